"""E-mail: message ids, what is on its way out, a project's address, shared objects

Revision: 0005, after 0004
"""

import secrets

import sqlalchemy as sa
from alembic import op
from webapp.core.database import UtcDateTime

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789'


def upgrade() -> None:
    op.create_table('mail_ids',
    sa.Column('record_id', sa.Integer(), nullable=False),
    sa.Column('project_id', sa.Integer(), nullable=False),
    sa.Column('message_id', sa.String(length=255), nullable=False),
    sa.Column('answers', sa.String(length=255), nullable=False),
    sa.Column('chain', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['record_id', 'project_id'], ['records.id', 'records.project_id'], name=op.f('fk_mail_ids_record_id_project_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('record_id', name=op.f('pk_mail_ids')),
    sa.UniqueConstraint('project_id', 'message_id', name=op.f('uq_mail_ids_project_id_message_id'))
    )
    with op.batch_alter_table('mail_ids', schema=None) as batch_op:
        batch_op.create_index('ix_mail_ids_answers', ['project_id', 'answers'], unique=False)

    op.create_table('outgoing_mails',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('project_id', sa.Integer(), nullable=False),
    sa.Column('record_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('recipients', sa.JSON(), nullable=False),
    sa.Column('refused', sa.JSON(), nullable=False),
    sa.Column('delivered', sa.Integer(), nullable=False),
    sa.Column('attachment_ids', sa.JSON(), nullable=False),
    sa.Column('is_linked', sa.Boolean(), nullable=False),
    sa.Column('may_open', sa.Boolean(), nullable=False),
    sa.Column('kept', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('run_after', UtcDateTime(), nullable=True),
    sa.Column('leased_by', sa.String(length=80), nullable=True),
    sa.Column('leased_until', UtcDateTime(), nullable=True),
    sa.Column('fence', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(length=40), nullable=True),
    sa.Column('said', sa.String(length=300), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('finished_at', UtcDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['record_id', 'project_id'], ['records.id', 'records.project_id'], name=op.f('fk_outgoing_mails_record_id_project_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outgoing_mails'))
    )
    with op.batch_alter_table('outgoing_mails', schema=None) as batch_op:
        batch_op.create_index('ix_outgoing_mails_claim', ['state', 'run_after', 'id'], unique=False)
        batch_op.create_index('ix_outgoing_mails_project', ['project_id', 'finished_at'], unique=False)
        batch_op.create_index('ix_outgoing_mails_record', ['record_id'], unique=False)

    op.create_table('outgoing_waits',
    sa.Column('mail_id', sa.Integer(), nullable=False),
    sa.Column('item_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['item_id'], ['import_items.id'], name=op.f('fk_outgoing_waits_item_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['mail_id'], ['outgoing_mails.id'], name=op.f('fk_outgoing_waits_mail_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('mail_id', 'item_id', name=op.f('pk_outgoing_waits'))
    )

    # A forwarded message's files are the original's.
    with op.batch_alter_table('attachments', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('uq_attachments_blob_key'), type_='unique')
        batch_op.create_index(batch_op.f('ix_attachments_blob_key'), ['blob_key'], unique=False)

    with op.batch_alter_table('projects', schema=None) as batch_op:
        batch_op.add_column(sa.Column('mail_token', sa.String(length=20), nullable=True))
    _give_addresses()
    with op.batch_alter_table('projects', schema=None) as batch_op:
        batch_op.alter_column('mail_token', existing_type=sa.String(length=20), nullable=False)
        batch_op.create_unique_constraint(batch_op.f('uq_projects_mail_token'), ['mail_token'])


def _give_addresses() -> None:
    projects = sa.table('projects', sa.column('id', sa.Integer), sa.column('mail_token', sa.String))
    connection = op.get_bind()
    for project_id in connection.scalars(sa.select(projects.c.id)).all():
        token = ''.join(secrets.choice(LETTERS) for _ in range(10))
        connection.execute(
            sa.update(projects).where(projects.c.id == project_id).values(mail_token=token)
        )


def downgrade() -> None:
    with op.batch_alter_table('projects', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('uq_projects_mail_token'), type_='unique')
        batch_op.drop_column('mail_token')

    # Only one attachment of an object can stay; the others go, their object stays with it.
    op.execute(
        'DELETE FROM attachments WHERE id NOT IN (SELECT min(id) FROM attachments GROUP BY blob_key)'
    )
    with op.batch_alter_table('attachments', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_attachments_blob_key'))
        batch_op.create_unique_constraint(batch_op.f('uq_attachments_blob_key'), ['blob_key'])

    op.drop_table('outgoing_waits')
    op.drop_table('outgoing_mails')
    op.drop_table('mail_ids')
