"""In which account of Box a file in a tray was chosen

Revision: 0019, after 0018
"""

import sqlalchemy as sa
from alembic import op

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('tray_items', sa.Column('box_login', sa.String(length=254), server_default='', nullable=False))


def downgrade() -> None:
    op.drop_column('tray_items', 'box_login')
