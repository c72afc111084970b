"""A person's link to their Box account, and everything around it that must survive a crash."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.clock import utcnow
from webapp.core.database import Base


class LinkState(StrEnum):
    """What Box has made of a link. Whether our keys open it is asked at each reading, not kept.

    `KEY_LOST` was written by older releases, which did keep it: such a link has not ended.
    """

    ACTIVE = "active"
    RELINK_NEEDED = "relink_needed"
    KEY_LOST = "key_lost"


class AttemptStatus(StrEnum):
    """How far a person has come on the way to Box and back."""

    WAITING = "waiting"
    LINKED = "linked"
    CONFIRM = "confirm"
    KEPT = "kept"
    DENIED = "denied"
    EXPIRED = "expired"
    FAILED = "failed"
    NOT_ENABLED = "not_enabled"
    MISCONFIGURED = "misconfigured"


class BoxLink(Base):
    """One per person. `generation` counts token pairs and never goes back, not even by relinking.

    `previous_sealed` is the refresh token before the current one, kept for the case that Box never
    saw the current pair used.
    """

    __tablename__ = "box_links"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), unique=True)
    box_user_id: Mapped[str] = mapped_column(String(20))
    box_name: Mapped[str] = mapped_column(String(200), default="")
    box_login: Mapped[str] = mapped_column(String(254))
    box_company: Mapped[str] = mapped_column(String(200), default="", server_default="")
    state: Mapped[str] = mapped_column(String(16), default=LinkState.ACTIVE)
    generation: Mapped[int] = mapped_column(BigInteger)
    refresh_sealed: Mapped[str] = mapped_column(Text)
    previous_sealed: Mapped[str | None] = mapped_column(Text)
    refreshed_at: Mapped[datetime]
    linked_at: Mapped[datetime] = mapped_column(default=utcnow)
    ended_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    last_used_for: Mapped[str] = mapped_column(String(300), default="")

    __table_args__ = (Index("ix_box_links_box_user", "box_user_id"),)

    @hybrid_property
    def is_alive(self) -> bool:
        """True while Box has not refused it."""
        return self.state != LinkState.RELINK_NEEDED


class BoxSessionToken(Base):
    """An access token, sealed for one live session; gone when the session is."""

    __tablename__ = "box_session_tokens"

    session_hash: Mapped[str] = mapped_column(
        ForeignKey("sessions.id_hash", ondelete="CASCADE"), primary_key=True
    )
    link_id: Mapped[int] = mapped_column(
        ForeignKey("box_links.id", ondelete="CASCADE"), primary_key=True
    )
    generation: Mapped[int] = mapped_column(BigInteger)
    access_sealed: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime]

    __table_args__ = (Index("ix_box_session_tokens_link", "link_id"),)


class LinkAttempt(Base):
    """One trip to Box: its state is for one use, in one session, by one person, for ten minutes.

    `address_sealed` is where the trip leads, gone once its state is spent. `pending_*` hold an
    account that waits for the person's word because it would replace another.
    """

    __tablename__ = "link_attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    state_hash: Mapped[str] = mapped_column(String(64), unique=True)
    session_hash: Mapped[str] = mapped_column(ForeignKey("sessions.id_hash", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    verifier_sealed: Mapped[str] = mapped_column(Text)
    address_sealed: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16), default=AttemptStatus.WAITING)
    is_spent: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    box_login: Mapped[str] = mapped_column(String(254), default="")
    pending_user_id: Mapped[str | None] = mapped_column(String(20))
    pending_name: Mapped[str] = mapped_column(String(200), default="")
    pending_company: Mapped[str] = mapped_column(String(200), default="", server_default="")
    pending_sealed: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (Index("ix_link_attempts_session", "session_hash", "id"),)


class Revocation(Base):
    """A grant that Box has yet to forget; tried until Box says so, a day at most."""

    __tablename__ = "box_revocations"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    token_sealed: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    run_after: Mapped[datetime] = mapped_column(default=utcnow)
    attempts: Mapped[int] = mapped_column(default=0)


class TokenCanary(Base):
    """A known text under the current key: tells at start whether the ring still opens things."""

    __tablename__ = "token_canaries"

    id: Mapped[int] = mapped_column(primary_key=True)
    sealed: Mapped[str] = mapped_column(Text)


class BoxCircuit(Base):
    """There while Box refuses our own credentials; says when it may be asked again."""

    __tablename__ = "box_circuits"

    id: Mapped[int] = mapped_column(primary_key=True)
    next_try_at: Mapped[datetime]
