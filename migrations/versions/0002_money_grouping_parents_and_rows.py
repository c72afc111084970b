"""Money, grouping, parents and rows with fields

Revision: 0002, after 0001
"""

import sqlalchemy as sa
from alembic import op
from webapp.core.database import Cents

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('record_rows', schema=None) as batch_op:
        batch_op.add_column(sa.Column('is_own', sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column('position', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('version', sa.Integer(), server_default='1', nullable=False))
        batch_op.add_column(sa.Column('person_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('vendor_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('cost_code', sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column('amount', Cents(), nullable=True))
        batch_op.add_column(sa.Column('due_on', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('status', sa.String(length=40), nullable=True))
        batch_op.create_index('ix_record_rows_person', ['person_id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_record_rows_vendor_id'), 'vendors', ['vendor_id'], ['id'])
        batch_op.create_foreign_key(batch_op.f('fk_record_rows_person_id'), 'people', ['person_id'], ['id'])

    with op.batch_alter_table('records', schema=None) as batch_op:
        batch_op.add_column(sa.Column('scope', sa.String(length=120), server_default='', nullable=False))
        batch_op.add_column(sa.Column('is_over', sa.SmallInteger(), sa.Computed("CASE WHEN is_open THEN 0 ELSE 1 END", persisted=True), nullable=False))
        batch_op.add_column(sa.Column('due_sort', sa.Date(), sa.Computed("coalesce(due_on, '9999-12-31')", persisted=True), nullable=False))
        batch_op.add_column(sa.Column('dated_on', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('amount', Cents(), nullable=True))
        batch_op.add_column(sa.Column('grouping', sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column('parent_id', sa.Integer(), nullable=True))
        batch_op.create_index('ix_records_amount', ['project_id', 'tool_key', 'amount'], unique=False)
        batch_op.create_index('ix_records_dated', ['project_id', 'tool_key', 'dated_on'], unique=False)
        batch_op.create_index('ix_records_grouping', ['project_id', 'tool_key', 'grouping'], unique=False)
        batch_op.create_index('ix_records_manager', ['project_id', 'tool_key', 'manager_id'], unique=False)
        batch_op.create_index('ix_records_parent', ['parent_id'], unique=False)
        batch_op.create_index('ix_records_vendor', ['project_id', 'tool_key', 'vendor_id'], unique=False)
        batch_op.drop_index('ix_records_due')
        batch_op.create_foreign_key(batch_op.f('fk_records_parent_id'), 'records', ['parent_id'], ['id'], ondelete='SET NULL')

    with op.batch_alter_table('records', schema=None) as batch_op:
        batch_op.create_index('ix_records_due', ['project_id', 'tool_key', 'is_over', 'due_sort'])


def downgrade() -> None:
    op.drop_index('ix_records_due', 'records')
    with op.batch_alter_table('records', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_records_parent_id'), type_='foreignkey')
        batch_op.drop_index('ix_records_vendor')
        batch_op.drop_index('ix_records_parent')
        batch_op.drop_index('ix_records_manager')
        batch_op.drop_index('ix_records_grouping')
        batch_op.drop_index('ix_records_dated')
        batch_op.drop_index('ix_records_amount')
        batch_op.create_index('ix_records_due', ['project_id', 'tool_key', 'is_open', 'due_on'])
        batch_op.drop_column('parent_id')
        batch_op.drop_column('grouping')
        batch_op.drop_column('amount')
        batch_op.drop_column('dated_on')
        batch_op.drop_column('due_sort')
        batch_op.drop_column('is_over')
        batch_op.drop_column('scope')

    with op.batch_alter_table('record_rows', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_record_rows_person_id'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('fk_record_rows_vendor_id'), type_='foreignkey')
        batch_op.drop_index('ix_record_rows_person')
        batch_op.drop_column('status')
        batch_op.drop_column('due_on')
        batch_op.drop_column('amount')
        batch_op.drop_column('cost_code')
        batch_op.drop_column('vendor_id')
        batch_op.drop_column('person_id')
        batch_op.drop_column('version')
        batch_op.drop_column('position')
        batch_op.drop_column('is_own')
