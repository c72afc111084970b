"""Whether Box knows this installation, for all processes

Revision: 0017, after 0016
"""

import sqlalchemy as sa
from alembic import op
from webapp.core.database import UtcDateTime

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'box_circuits',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('next_try_at', UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_box_circuits')),
    )


def downgrade() -> None:
    op.drop_table('box_circuits')
