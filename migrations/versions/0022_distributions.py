"""What was distributed of a record is kept as it went

Revision: 0022, after 0021
"""

import sqlalchemy as sa
from alembic import op
from webapp.core.database import UtcDateTime

revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'record_issues',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('record_id', sa.Integer(), nullable=False),
        sa.Column('project_id', sa.Integer(), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('issued_by_id', sa.Integer(), nullable=False),
        sa.Column('issued_at', UtcDateTime(), nullable=False),
        sa.Column('told', sa.JSON(), nullable=False),
        sa.Column('facts', sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(['issued_by_id'], ['people.id'], name=op.f('fk_record_issues_issued_by_id')),
        sa.ForeignKeyConstraint(
            ['record_id', 'project_id'],
            ['records.id', 'records.project_id'],
            name=op.f('fk_record_issues_record_id_project_id'),
            ondelete='CASCADE',
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_record_issues')),
        sa.UniqueConstraint('record_id', 'number', name=op.f('uq_record_issues_record_id_number')),
    )


def downgrade() -> None:
    op.drop_table('record_issues')
