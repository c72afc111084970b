"""Change orders that were sent without lines of their own get those of what they include

Only the lines of a change order count, but until then one could be sent and approved with none,
and what it includes counted nowhere. What contracts keep of their sums is worked out anew.

Revision: 0024, after 0023
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from alembic import op
from webapp.core.database import Cents, UtcDateTime

revision = '0024'
down_revision = '0023'
branch_labels = None
depends_on = None

PENDING = (
    'pending_in_review',
    'pending_revised',
    'pending_pricing',
    'pending_not_pricing',
    'pending_proceeding',
    'pending_not_proceeding',
)
COUNTED = ('approved', *PENDING)
# A draft's parts count by themselves, and one that is rejected or void has let them go.
LETS_GO = ('draft', 'rejected', 'void')
COMMITTED = ('approved', 'partially_received')
NOTHING = Decimal(0)

records = sa.table(
    'records',
    sa.column('id', sa.Integer),
    sa.column('project_id', sa.Integer),
    sa.column('tool_key', sa.String),
    sa.column('number', sa.String),
    sa.column('status', sa.String),
    sa.column('amount', Cents),
    sa.column('is_private', sa.Boolean),
    sa.column('parent_id', sa.Integer),
    sa.column('created_by_id', sa.Integer),
    sa.column('saved_at', UtcDateTime),
    sa.column('version', sa.Integer),
    sa.column('details', sa.JSON),
)
lines = sa.table(
    'record_rows',
    sa.column('id', sa.Integer),
    sa.column('record_id', sa.Integer),
    sa.column('project_id', sa.Integer),
    sa.column('tool_key', sa.String),
    sa.column('section', sa.String),
    sa.column('text', sa.Text),
    sa.column('author_id', sa.Integer),
    sa.column('created_at', UtcDateTime),
    sa.column('sent_at', UtcDateTime),
    sa.column('position', sa.Integer),
    sa.column('cost_code', sa.String),
    sa.column('amount', Cents),
    sa.column('details', sa.JSON),
)
audit_entries = sa.table(
    'audit_entries',
    sa.column('at', UtcDateTime),
    sa.column('event', sa.String),
    sa.column('project_id', sa.Integer),
    sa.column('record_id', sa.Integer),
    sa.column('facts', sa.JSON),
)


def upgrade() -> None:
    connection = op.get_bind()
    changes = _changes(connection)
    wholes = [c for c in changes if _included(c)]
    by_id = {change.id: change for change in changes}
    with_lines = {
        row.record_id
        for row in connection.execute(
            sa.select(lines.c.record_id).where(
                lines.c.section == 'lines', lines.c.tool_key == 'change_orders'
            )
        )
    }
    living = [whole for whole in wholes if whole.status not in LETS_GO]
    taken = {id_ for whole in living if whole.id in with_lines for id_ in _included(whole)}
    for whole in living:
        if whole.status not in COUNTED or whole.id in with_lines:
            continue
        parts = [by_id[id_] for id_ in _included(whole) if id_ in by_id and id_ not in taken]
        taken |= {part.id for part in parts}
        _take_over(connection, whole, parts)
    changes = _changes(connection)
    for contract_id in sorted({w.parent_id for w in wholes if w.parent_id}):
        _add_up(connection, contract_id, [c for c in changes if c.parent_id == contract_id])


def downgrade() -> None:
    """Leave the lines: older code reads them as lines that were typed there."""


def _changes(connection: sa.Connection) -> Sequence[sa.Row[Any]]:
    return connection.execute(
        sa.select(records)
        .where(records.c.tool_key == 'change_orders', records.c.saved_at.is_not(None))
        .order_by(records.c.id)
    ).all()


def _included(change: sa.Row[Any]) -> list[int]:
    return list((change.details or {}).get('includes') or ())


def _take_over(connection: sa.Connection, whole: sa.Row[Any], parts: list[sa.Row[Any]]) -> None:
    now = datetime.now(UTC)
    position, total = 0, NOTHING
    for part in parts:
        for line in _lines_of(connection, whole, part):
            position += 1
            total += line['amount'] or NOTHING
            connection.execute(
                sa.insert(lines).values(
                    record_id=whole.id,
                    project_id=whole.project_id,
                    tool_key=whole.tool_key,
                    section='lines',
                    text='',
                    author_id=whole.created_by_id,
                    created_at=now,
                    sent_at=now,
                    position=position,
                    **line,
                )
            )
        connection.execute(
            sa.insert(audit_entries).values(
                at=now,
                event='part.caught_up',
                project_id=whole.project_id,
                record_id=whole.id,
                facts={'number': part.number or 'PCO', 'after': _money(part.amount or NOTHING)},
            )
        )
    taken = {str(part.id): str(part.amount or NOTHING) for part in parts}
    connection.execute(
        sa.update(records)
        .where(records.c.id == whole.id)
        .values(
            amount=total, version=whole.version + 1, details={**whole.details, 'taken': taken}
        )
    )


def _lines_of(
    connection: sa.Connection, whole: sa.Row[Any], part: sa.Row[Any]
) -> Iterable[dict[str, Any]]:
    """Yield a part's lines as they stand in the whole; of a private one only what it comes to."""
    number = part.number or ''
    found = connection.execute(
        sa.select(lines)
        .where(lines.c.record_id == part.id, lines.c.section == 'lines')
        .order_by(lines.c.position, lines.c.id)
    ).all()
    if found and part.is_private and not whole.is_private:
        details = {'description': number or None, 'part': part.id}
        yield {'cost_code': None, 'amount': part.amount, 'details': details}
        return
    for line in found:
        said = f"{number} {(line.details or {}).get('description') or ''}".strip()[:200]
        details = {'description': said or None, 'part': part.id}
        yield {'cost_code': line.cost_code, 'amount': line.amount, 'details': details}


def _add_up(connection: sa.Connection, contract_id: int, changes: list[sa.Row[Any]]) -> None:
    """Keep in a contract what its change orders come to: each counts once."""
    contract = connection.execute(sa.select(records).where(records.c.id == contract_id)).one()
    within = {id_ for c in changes if c.status not in LETS_GO for id_ in _included(c)}
    counted = [change for change in changes if change.id not in within]

    def total(*statuses: str) -> Decimal:
        return sum((_own(change) for change in counted if change.status in statuses), NOTHING)

    approved = total('approved')
    revised = (contract.amount or NOTHING) + approved
    sums = {
        'approved_amount': str(approved),
        'pending_amount': str(total(*PENDING)),
        'draft_amount': str(total('draft')),
        'revised_amount': str(revised),
    }
    if contract.tool_key == 'commitments':
        sums['committed_amount'] = str(revised if contract.status in COMMITTED else NOTHING)
    connection.execute(
        sa.update(records)
        .where(records.c.id == contract_id)
        .values(details={**(contract.details or {}), **sums})
    )


def _own(change: sa.Row[Any]) -> Decimal:
    """Return what a change adds itself: in a draft not what its parts still count for."""
    own = change.amount or NOTHING
    if change.status != 'draft':
        return own
    taken = (change.details or {}).get('taken') or {}
    return own - sum((Decimal(amount) for amount in taken.values()), NOTHING)


def _money(amount: Decimal) -> str:
    return f"{'−' if amount < 0 else ''}${abs(amount):,.2f}"
