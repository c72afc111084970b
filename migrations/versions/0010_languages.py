"""The language somebody chose

Revision: 0010, after 0009
"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('people', sa.Column('language', sa.String(length=8), server_default='auto', nullable=False))


def downgrade() -> None:
    op.drop_column('people', 'language')
