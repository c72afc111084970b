"""Whole folders of Box in a tray

Revision: 0012, after 0011
"""

import sqlalchemy as sa
from alembic import op
from webapp.core.database import UtcDateTime

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('folder_walks',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('tray_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('folder_id', sa.String(length=20), nullable=False),
    sa.Column('name', sa.String(length=1000), nullable=False),
    sa.Column('trail', sa.JSON(), nullable=False),
    sa.Column('box_login', sa.String(length=254), nullable=False),
    sa.Column('session_hash', sa.String(length=64), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('reason', sa.String(length=40), nullable=True),
    sa.Column('counts', sa.JSON(), nullable=False),
    sa.Column('before', sa.JSON(), nullable=False),
    sa.Column('pages', sa.Integer(), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('run_after', UtcDateTime(), nullable=True),
    sa.Column('leased_by', sa.String(length=80), nullable=True),
    sa.Column('leased_until', UtcDateTime(), nullable=True),
    sa.Column('fence', sa.Integer(), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_folder_walks_person_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tray_id'], ['trays.id'], name=op.f('fk_folder_walks_tray_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_folder_walks')),
    sa.UniqueConstraint('tray_id', 'folder_id', name=op.f('uq_folder_walks_tray_id_folder_id'))
    )
    op.create_index('ix_folder_walks_claim', 'folder_walks', ['state', 'run_after', 'id'])
    op.create_index('ix_folder_walks_person', 'folder_walks', ['person_id', 'state'])
    op.create_table('folder_walk_steps',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('walk_id', sa.Integer(), nullable=False),
    sa.Column('folder_id', sa.String(length=20), nullable=False),
    sa.Column('way', sa.JSON(), nullable=False),
    sa.Column('marker', sa.Text(), nullable=True),
    sa.Column('is_read', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['walk_id'], ['folder_walks.id'], name=op.f('fk_folder_walk_steps_walk_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_folder_walk_steps')),
    sa.UniqueConstraint('walk_id', 'folder_id', name=op.f('uq_folder_walk_steps_walk_id_folder_id'))
    )
    op.create_index('ix_folder_walk_steps_next', 'folder_walk_steps', ['walk_id', 'is_read', 'id'])
    op.create_table('folder_walk_files',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('walk_id', sa.Integer(), nullable=False),
    sa.Column('step_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=1000), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=True),
    sa.Column('sha1', sa.String(length=40), nullable=True),
    sa.Column('box_file_id', sa.String(length=20), nullable=False),
    sa.Column('box_version_id', sa.String(length=20), nullable=False),
    sa.Column('box_version_number', sa.String(length=12), nullable=True),
    sa.Column('box_owner', sa.String(length=254), nullable=False),
    sa.Column('box_owner_login', sa.String(length=254), nullable=True),
    sa.Column('box_classification', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['step_id'], ['folder_walk_steps.id'], name=op.f('fk_folder_walk_files_step_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['walk_id'], ['folder_walks.id'], name=op.f('fk_folder_walk_files_walk_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_folder_walk_files')),
    sa.UniqueConstraint('walk_id', 'box_file_id', name=op.f('uq_folder_walk_files_walk_id_box_file_id'))
    )
    op.create_index(op.f('ix_folder_walk_files_step_id'), 'folder_walk_files', ['step_id'])
    op.add_column('import_items', sa.Column('original_name', sa.String(length=1000), nullable=True))


def downgrade() -> None:
    op.drop_column('import_items', 'original_name')
    op.drop_table('folder_walk_files')
    op.drop_table('folder_walk_steps')
    op.drop_table('folder_walks')
