"""The queue of Plumbline's own letters

Revision: 0014, after 0013
"""

import sqlalchemy as sa
from alembic import op
from webapp.core.database import UtcDateTime

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'own_letters',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('to', sa.String(length=254), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=True),
        sa.Column('language', sa.String(length=8), nullable=False),
        sa.Column('kind', sa.String(length=40), nullable=False),
        sa.Column('facts', sa.JSON(), nullable=False),
        sa.Column('path', sa.String(length=500), nullable=False),
        sa.Column('state', sa.String(length=12), nullable=False),
        sa.Column('tries', sa.Integer(), nullable=False),
        sa.Column('run_after', UtcDateTime(), nullable=True),
        sa.Column('leased_by', sa.String(length=80), nullable=True),
        sa.Column('leased_until', UtcDateTime(), nullable=True),
        sa.Column('fence', sa.Integer(), nullable=False),
        sa.Column('reason', sa.String(length=40), nullable=True),
        sa.Column('said', sa.String(length=300), nullable=False),
        sa.Column('created_at', UtcDateTime(), nullable=False),
        sa.Column('finished_at', UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ['person_id'], ['people.id'], name=op.f('fk_own_letters_person_id'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_own_letters')),
    )
    with op.batch_alter_table('own_letters') as batch_op:
        batch_op.create_index('ix_own_letters_claim', ['state', 'run_after', 'id'])
        batch_op.create_index('ix_own_letters_person', ['person_id'])


def downgrade() -> None:
    op.drop_table('own_letters')
