"""What people are told and how, which of it goes by e-mail, and a project's own time zone

Revision: 0020, after 0019
"""

import sqlalchemy as sa
from alembic import op
from webapp.core.database import UtcDateTime

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('projects', sa.Column('timezone', sa.String(length=60), server_default='', nullable=False))
    op.add_column('people', sa.Column('mails_notices', sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column('record_people', sa.Column('told', sa.Boolean(), server_default=sa.false(), nullable=False))
    # Whoever was named before there were these notices knows it by now.
    op.execute(sa.table('record_people', sa.column('told', sa.Boolean())).update().values(told=True))
    with op.batch_alter_table('notices') as batch_op:
        batch_op.add_column(sa.Column('tool_key', sa.String(length=40), server_default='', nullable=False))
        batch_op.add_column(sa.Column('project_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('record_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('is_mailed', sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column('mailed_at', UtcDateTime(), nullable=True))
        batch_op.create_index('ix_notices_mail', ['is_mailed', 'mailed_at', 'person_id'])
    op.create_table(
        'notice_choices',
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('tool_key', sa.String(length=40), nullable=False),
        sa.Column('way', sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_notice_choices_person_id'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('person_id', 'tool_key', name=op.f('pk_notice_choices')),
    )
    op.create_table(
        'acted_moments',
        sa.Column('record_id', sa.Integer(), nullable=False),
        sa.Column('row_id', sa.Integer(), nullable=False),
        sa.Column('field', sa.String(length=40), nullable=False),
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('acted_at', UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(['record_id'], ['records.id'], name=op.f('fk_acted_moments_record_id'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('record_id', 'row_id', 'field', 'day', name=op.f('pk_acted_moments')),
    )
    op.create_table(
        'reminders',
        sa.Column('record_id', sa.Integer(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('day', sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(['record_id'], ['records.id'], name=op.f('fk_reminders_record_id'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_reminders_person_id'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('record_id', 'person_id', 'day', name=op.f('pk_reminders')),
    )


def downgrade() -> None:
    op.drop_table('reminders')
    op.drop_table('acted_moments')
    op.drop_table('notice_choices')
    with op.batch_alter_table('notices') as batch_op:
        batch_op.drop_index('ix_notices_mail')
        for column in ('mailed_at', 'is_mailed', 'record_id', 'project_id', 'tool_key'):
            batch_op.drop_column(column)
    op.drop_column('record_people', 'told')
    op.drop_column('people', 'mails_notices')
    op.drop_column('projects', 'timezone')
