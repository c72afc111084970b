"""The circuit's row: what one process finds out about our credentials at Box, all know at once."""

from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from webapp.box_link.models import BoxCircuit
from webapp.core.database import db, write_connection

ONLY_ID = 1


class CircuitRow:
    """The circuit is open while its row is there."""

    def next_try(self) -> datetime | None:
        with db.engine.connect() as connection:
            return connection.scalar(select(BoxCircuit.next_try_at))

    def take_turn(self, now: datetime, until: datetime) -> bool:
        due = update(BoxCircuit).where(BoxCircuit.next_try_at <= now).values(next_try_at=until)
        with write_connection() as connection:
            return connection.execute(due).rowcount == 1

    def open(self, next_try: datetime) -> None:
        put_off = update(BoxCircuit).values(next_try_at=next_try)
        try:
            with write_connection() as connection:
                if connection.execute(put_off).rowcount == 0:
                    row = {"id": ONLY_ID, "next_try_at": next_try}
                    connection.execute(insert(BoxCircuit).values(row))
        except IntegrityError:
            # Another process has opened it in the same moment.
            return

    def close(self) -> None:
        with write_connection() as connection:
            connection.execute(delete(BoxCircuit))
