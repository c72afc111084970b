"""Whose Box an account belongs to, and when a link has ended

Revision: 0013, after 0012
"""

import sqlalchemy as sa
from alembic import op
from webapp.core.database import UtcDateTime

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('box_links', sa.Column('box_company', sa.String(length=200), server_default='', nullable=False))
    op.add_column('box_links', sa.Column('ended_at', UtcDateTime(), nullable=True))
    op.add_column('link_attempts', sa.Column('pending_company', sa.String(length=200), server_default='', nullable=False))


def downgrade() -> None:
    op.drop_column('link_attempts', 'pending_company')
    op.drop_column('box_links', 'ended_at')
    op.drop_column('box_links', 'box_company')
