"""A withdrawal of Box holds until the next grant

Revision: 0018, after 0017
"""

import sqlalchemy as sa
from alembic import op

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('companies') as batch_op:
        batch_op.add_column(
            sa.Column('box_withdrawn', sa.Boolean(), server_default=sa.false(), nullable=False)
        )
    # Who asked again after a withdrawal, and got nothing, is where the withdrawal left them.
    op.execute(
        "UPDATE companies SET box_withdrawn = true WHERE box_grant = 'withdrawn' OR"
        " (box_grant <> 'granted' AND 'box.withdrawn' = (SELECT a.event FROM audit_entries a"
        " WHERE a.company_id = companies.id AND a.event IN ('box.granted', 'box.withdrawn')"
        " ORDER BY a.id DESC LIMIT 1))"
    )
    op.execute(
        "UPDATE companies SET box_grant = 'withdrawn'"
        " WHERE box_withdrawn AND box_grant IN ('none', 'declined')"
    )


def downgrade() -> None:
    with op.batch_alter_table('companies') as batch_op:
        batch_op.drop_column('box_withdrawn')
