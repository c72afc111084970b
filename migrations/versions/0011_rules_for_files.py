"""What a company takes from Box, and the reasons given for it

Revision: 0011, after 0010
"""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

CHOSEN = ('tray_items', 'import_items')
GIVEN = ('trays', 'import_items', 'attachments')


def upgrade() -> None:
    op.add_column('companies', sa.Column('box_rules', sa.JSON(), server_default='{}', nullable=False))
    for table in CHOSEN:
        op.add_column(table, sa.Column('box_owner_login', sa.String(length=254), nullable=True))
        op.add_column(table, sa.Column('box_classification', sa.String(length=200), server_default='', nullable=False))
    for table in GIVEN:
        op.add_column(table, sa.Column('reason_given', sa.String(length=500), server_default='', nullable=False))


def downgrade() -> None:
    for table in GIVEN:
        op.drop_column(table, 'reason_given')
    for table in CHOSEN:
        op.drop_column(table, 'box_classification')
        op.drop_column(table, 'box_owner_login')
    op.drop_column('companies', 'box_rules')
