"""How fast a copy comes, and which file a newer version takes the place of

Revision: 0009, after 0008
"""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('import_items', sa.Column('bytes_per_s', sa.BigInteger(), server_default='0', nullable=False))
    op.add_column('import_items', sa.Column('supersedes_id', sa.Integer(), nullable=True))
    op.drop_index('ix_import_items_person', 'import_items')
    op.create_index('ix_import_items_person', 'import_items', ['person_id', 'state', 'id'])
    op.add_column('attachments', sa.Column('superseded_by_id', sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column('attachments', 'superseded_by_id')
    op.drop_index('ix_import_items_person', 'import_items')
    op.create_index('ix_import_items_person', 'import_items', ['person_id', 'state'])
    op.drop_column('import_items', 'supersedes_id')
    op.drop_column('import_items', 'bytes_per_s')
