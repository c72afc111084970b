"""Large files from the computer while they come in parts

Revision: 0008, after 0007
"""

import sqlalchemy as sa
from alembic import op
from webapp.core.database import UtcDateTime

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('partial_uploads',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token', sa.String(length=32), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('project_id', sa.Integer(), nullable=False),
    sa.Column('record_id', sa.Integer(), nullable=False),
    sa.Column('row_key', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=1000), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=False),
    sa.Column('offset_bytes', sa.BigInteger(), nullable=False),
    sa.Column('parts', sa.JSON(), nullable=False),
    sa.Column('is_done', sa.Boolean(), nullable=False),
    sa.Column('expires_at', UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_partial_uploads_person_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['record_id', 'project_id'], ['records.id', 'records.project_id'], name=op.f('fk_partial_uploads_record_id_project_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_partial_uploads')),
    sa.UniqueConstraint('token', name=op.f('uq_partial_uploads_token'))
    )
    op.create_index('ix_partial_uploads_expires_at', 'partial_uploads', ['expires_at'])


def downgrade() -> None:
    op.drop_table('partial_uploads')
