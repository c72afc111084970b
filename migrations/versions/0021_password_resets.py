"""Links for forgotten passwords

Revision: 0021, after 0020
"""

import sqlalchemy as sa
from alembic import op
from webapp.core.database import UtcDateTime

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'password_resets',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('email', sa.String(length=254), nullable=False),
        sa.Column('nonce', sa.String(length=32), nullable=False),
        sa.Column('token_hash', sa.String(length=64), nullable=False),
        sa.Column('expires_at', UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_password_resets'),
        sa.UniqueConstraint('token_hash', name='uq_password_resets_token_hash'),
    )
    op.create_index('ix_password_resets_email', 'password_resets', ['email'])


def downgrade() -> None:
    op.drop_table('password_resets')
