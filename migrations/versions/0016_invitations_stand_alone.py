"""Invitations stand by themselves; whoever never accepted one is no member of anything

Somebody who has a place in a company and never set a password becomes an invitation to it, with
their projects and levels. Open links go on working.

Revision: 0016, after 0015
"""

import secrets
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from webapp.core.database import UtcDateTime

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

_NEVER_CAME = "SELECT id FROM people WHERE password_hash = '' AND is_active"


def upgrade() -> None:
    with op.batch_alter_table('people') as batch_op:
        batch_op.add_column(sa.Column('proved_at', UtcDateTime(), nullable=True))
    connection = op.get_bind()
    pending = connection.execute(sa.text(
        "SELECT m.company_id, m.person_id, m.is_admin, m.vendor_id, p.email, p.name, p.title"
        f" FROM company_members m JOIN people p ON p.id = m.person_id WHERE p.id IN ({_NEVER_CAME})"
    )).mappings().all()
    links = {
        (row['company_id'], row['person_id']): row
        for row in connection.execute(
            sa.text("SELECT * FROM invitations WHERE used_at IS NULL ORDER BY id")
        ).mappings()
    }
    places = connection.execute(sa.text(
        "SELECT j.company_id, m.person_id, m.project_id, m.template_id, m.level"
        " FROM project_members m JOIN projects j ON j.id = m.project_id"
        f" WHERE m.person_id IN ({_NEVER_CAME})"
    )).mappings().all()
    special: dict[tuple[int, int], dict[str, int]] = {}
    for row in connection.execute(sa.text(
        f"SELECT * FROM tool_levels WHERE person_id IN ({_NEVER_CAME})"
    )).mappings():
        special.setdefault((row['project_id'], row['person_id']), {})[row['tool_key']] = row['level']
    anybody = connection.execute(sa.text("SELECT min(id) FROM people")).scalar()
    op.drop_table('invitations')
    _create()
    _fill(connection, pending, links, places, special, anybody)
    for table in ('tool_levels', 'project_members', 'company_members', 'former_members'):
        connection.execute(sa.text(f"DELETE FROM {table} WHERE person_id IN ({_NEVER_CAME})"))


def _create() -> None:
    op.create_table(
        'invitations',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('company_id', sa.Integer(), nullable=False),
        sa.Column('email', sa.String(length=254), nullable=False),
        sa.Column('name', sa.String(length=200), nullable=False),
        sa.Column('title', sa.String(length=200), nullable=False),
        sa.Column('vendor_id', sa.Integer(), nullable=True),
        sa.Column('is_to_company', sa.Boolean(), nullable=False),
        sa.Column('is_admin', sa.Boolean(), nullable=False),
        sa.Column('invited_by_id', sa.Integer(), nullable=False),
        sa.Column('nonce', sa.String(length=32), nullable=False),
        sa.Column('token_hash', sa.String(length=64), nullable=False),
        sa.Column('is_by_letter', sa.Boolean(), nullable=False),
        sa.Column('letter_id', sa.Integer(), nullable=True),
        sa.Column('sent_at', UtcDateTime(), nullable=False),
        sa.Column('expires_at', UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ['company_id'], ['companies.id'], name='fk_invitations_company_id', ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(
            ['vendor_id'], ['vendors.id'], name='fk_invitations_vendor_id', ondelete='SET NULL'
        ),
        sa.ForeignKeyConstraint(
            ['letter_id'], ['own_letters.id'], name='fk_invitations_letter_id', ondelete='SET NULL'
        ),
        sa.ForeignKeyConstraint(
            ['invited_by_id'], ['people.id'], name='fk_invitations_invited_by_id'
        ),
        sa.PrimaryKeyConstraint('id', name='pk_invitations'),
        sa.UniqueConstraint('company_id', 'email', name='uq_invitations_company_id_email'),
        sa.UniqueConstraint('token_hash', name='uq_invitations_token_hash'),
    )
    op.create_index('ix_invitations_email', 'invitations', ['email'])
    op.create_table(
        'invited_places',
        sa.Column('invitation_id', sa.Integer(), nullable=False),
        sa.Column('project_id', sa.Integer(), nullable=False),
        sa.Column('template_id', sa.Integer(), nullable=True),
        sa.Column('level', sa.SmallInteger(), nullable=False),
        sa.Column('levels', sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ['invitation_id'], ['invitations.id'], name='fk_invited_places_invitation_id',
            ondelete='CASCADE',
        ),
        sa.ForeignKeyConstraint(
            ['project_id'], ['projects.id'], name='fk_invited_places_project_id', ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(
            ['template_id'], ['permission_templates.id'], name='fk_invited_places_template_id',
            ondelete='SET NULL',
        ),
        sa.PrimaryKeyConstraint('invitation_id', 'project_id', name='pk_invited_places'),
    )
    op.create_index('ix_invited_places_project', 'invited_places', ['project_id'])


def _fill(connection, pending, links, places, special, anybody) -> None:
    invitations = sa.Table('invitations', sa.MetaData(), autoload_with=connection)
    invited_places = sa.Table('invited_places', sa.MetaData(), autoload_with=connection)
    now = datetime.now(UTC)
    for member in pending:
        key = (member['company_id'], member['person_id'])
        link = links.get(key)
        mine = [row for row in places if (row['company_id'], row['person_id']) == key]
        made = connection.execute(
            invitations.insert().values(
                company_id=member['company_id'],
                email=member['email'],
                name=member['name'],
                title=member['title'],
                vendor_id=member['vendor_id'],
                is_to_company=not mine,
                is_admin=bool(member['is_admin']),
                invited_by_id=link['invited_by_id'] if link else anybody,
                nonce=link['nonce'] if link else '',
                token_hash=link['token_hash'] if link else secrets.token_hex(32),
                is_by_letter=False,
                sent_at=_moment(link['created_at']) if link else now,
                # Without a link of its own it has ended, and can be sent again.
                expires_at=_moment(link['expires_at']) if link else now,
            )
        )
        for row in mine:
            levels = special.get((row['project_id'], row['person_id']), {})
            connection.execute(
                invited_places.insert().values(
                    invitation_id=made.inserted_primary_key[0],
                    project_id=row['project_id'],
                    template_id=row['template_id'],
                    level=row['level'],
                    levels=levels,
                )
            )


def _moment(value) -> datetime:
    """Return a moment as either database gives it to a plain query."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def downgrade() -> None:
    """Bring the tables back; open invitations are not turned into members again."""
    op.drop_table('invited_places')
    op.drop_table('invitations')
    op.create_table(
        'invitations',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('company_id', sa.Integer(), nullable=False),
        sa.Column('invited_by_id', sa.Integer(), nullable=False),
        sa.Column('nonce', sa.String(length=32), nullable=False),
        sa.Column('token_hash', sa.String(length=64), nullable=False),
        sa.Column('created_at', UtcDateTime(), nullable=False),
        sa.Column('expires_at', UtcDateTime(), nullable=False),
        sa.Column('used_at', UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ['person_id'], ['people.id'], name='fk_invitations_person_id', ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(
            ['company_id'], ['companies.id'], name='fk_invitations_company_id', ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(
            ['invited_by_id'], ['people.id'], name='fk_invitations_invited_by_id'
        ),
        sa.PrimaryKeyConstraint('id', name='pk_invitations'),
        sa.UniqueConstraint('token_hash', name='uq_invitations_token_hash'),
    )
    op.create_index('ix_invitations_person', 'invitations', ['person_id'])
    with op.batch_alter_table('people') as batch_op:
        batch_op.drop_column('proved_at')
