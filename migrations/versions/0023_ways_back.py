"""Discarded records and removed rows can be brought back for thirty days

Revision: 0023, after 0022
"""

import sqlalchemy as sa
from alembic import op
from webapp.core.database import UtcDateTime

revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('records', sa.Column('discarded_at', UtcDateTime(), nullable=True))
    with op.batch_alter_table('record_rows') as batch:
        batch.add_column(sa.Column('removed_at', UtcDateTime(), nullable=True))
        batch.add_column(sa.Column('removed_by_id', sa.Integer(), nullable=True))
        batch.create_foreign_key(op.f('fk_record_rows_removed_by_id'), 'people', ['removed_by_id'], ['id'])


def downgrade() -> None:
    op.execute(sa.text('DELETE FROM records WHERE discarded_at IS NOT NULL'))
    op.execute(sa.text('DELETE FROM record_rows WHERE removed_at IS NOT NULL'))
    with op.batch_alter_table('record_rows') as batch:
        batch.drop_constraint(op.f('fk_record_rows_removed_by_id'), type_='foreignkey')
        batch.drop_column('removed_by_id')
        batch.drop_column('removed_at')
    op.drop_column('records', 'discarded_at')
