"""The kinds of columns that tables are made of."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
)
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
).naming_convention


def new_public_id() -> str:
    """Make an opaque id of 128 random bits, safe in addresses."""
    return secrets.token_urlsafe(16)


def utc_now() -> datetime:
    """Return the time now, with its zone."""
    return datetime.now(UTC)


class UtcTime(TypeDecorator[datetime]):
    """A moment, stored as UTC and read back with its zone on every database. Refuses naive times."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A stored time needs a zone.")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def key() -> Any:
    """Make the integer key of a table, which never leaves the process."""
    return Field(default=None, primary_key=True)


def public_key() -> Any:
    """Make the opaque id that the outside knows a row by."""
    return Field(default_factory=new_public_id, sa_column=Column(String(32), nullable=False, unique=True))


def moment(*, nullable: bool = True, index: bool = False) -> Any:
    """Make a column for a moment; without `nullable` it defaults to now."""
    default: dict[str, Any] = {"default": None} if nullable else {"default_factory": utc_now}
    return Field(sa_column=Column(UtcTime, nullable=nullable, index=index), **default)


def reference(
    target: str, *, nullable: bool = False, ondelete: str | None = None, unique: bool = False
) -> Any:
    """Make a foreign key with an index."""
    column = Column(
        Integer, ForeignKey(target, ondelete=ondelete), nullable=nullable, unique=unique, index=not unique
    )
    default: dict[str, Any] = {"default": None} if nullable else {}
    return Field(sa_column=column, **default)


def json_column(empty: type) -> Any:
    """Make a JSON column that begins as an empty `dict` or `list`."""
    return Field(default_factory=empty, sa_column=Column(JSON, nullable=False))


def long_text(*, nullable: bool = True) -> Any:
    """Make a column for text of any length."""
    default: dict[str, Any] = {"default": None} if nullable else {}
    return Field(sa_column=Column(Text, nullable=nullable), **default)


def one_of(column: str, *values: str) -> CheckConstraint:
    """Make a check that a column holds one of the values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
