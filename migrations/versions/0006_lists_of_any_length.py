"""What records are found and sorted by, and indexes that hold all a list asks

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op
from webapp.records.models import folded

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

SIGHT = ['id', 'saved_at', 'created_by_id', 'restricted']
PLACE = ['project_id', 'tool_key']
AT_ONCE = 1000


def upgrade() -> None:
    op.add_column('records', sa.Column('words', sa.Text(), server_default='', nullable=False))
    op.drop_index('ix_records_list', 'records')
    op.drop_index('ix_records_due', 'records')
    _fill()
    op.create_index('ix_records_list', 'records', [*PLACE, 'scope', 'number_sort', 'revision', *SIGHT])
    op.create_index('ix_records_due', 'records', [*PLACE, 'is_over', 'due_sort', *SIGHT])
    op.create_index('ix_records_words', 'records', [*PLACE, 'words', *SIGHT])
    op.create_index('ix_records_updated', 'records', [*PLACE, 'updated_at'])
    op.create_index('ix_records_location', 'records', [*PLACE, 'location'])
    op.create_index('ix_records_cost_code', 'records', [*PLACE, 'cost_code'])
    op.create_index('ix_records_private', 'records', [*PLACE, 'is_private'])


def _fill() -> None:
    """Fold the titles that are there, some at a time."""
    records = sa.table('records', sa.column('id'), sa.column('title'), sa.column('number'), sa.column('words'))
    fill = records.update().where(records.c.id == sa.bindparam('one')).values(words=sa.bindparam('folded'))
    last = 0
    while rows := op.get_bind().execute(
        sa.select(records.c.id, records.c.title, records.c.number)
        .where(records.c.id > last).order_by(records.c.id).limit(AT_ONCE)
    ).all():
        op.get_bind().execute(fill, [{'one': i, 'folded': folded(title, number)} for i, title, number in rows])
        last = rows[-1][0]


def downgrade() -> None:
    for name in ('list', 'due', 'words', 'updated', 'location', 'cost_code', 'private'):
        op.drop_index(f'ix_records_{name}', 'records')
    op.drop_column('records', 'words')
    op.create_index('ix_records_list', 'records', [*PLACE, 'number_sort'])
    op.create_index('ix_records_due', 'records', [*PLACE, 'is_over', 'due_sort'])
