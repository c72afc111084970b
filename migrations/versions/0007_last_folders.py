"""Where in Box somebody last attached from

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op
from webapp.core.database import UtcDateTime

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('tray_items', sa.Column('box_trail', sa.JSON(), server_default='[]', nullable=False))
    op.create_table('last_folders',
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('project_id', sa.Integer(), nullable=False),
    sa.Column('tool_key', sa.String(length=40), nullable=False),
    sa.Column('box_login', sa.String(length=254), nullable=False),
    sa.Column('folder_id', sa.String(length=20), nullable=False),
    sa.Column('trail', sa.JSON(), nullable=False),
    sa.Column('used_at', UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_last_folders_person_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_last_folders_project_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('person_id', 'project_id', 'tool_key', name=op.f('pk_last_folders'))
    )
    op.create_index('ix_last_folders_project', 'last_folders', ['project_id', 'tool_key', 'used_at'])


def downgrade() -> None:
    op.drop_table('last_folders')
    op.drop_column('tray_items', 'box_trail')
