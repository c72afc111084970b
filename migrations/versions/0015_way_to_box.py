"""Where a trip to Box leads

Revision: 0015, after 0014
"""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('link_attempts', sa.Column('address_sealed', sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column('link_attempts', 'address_sealed')
