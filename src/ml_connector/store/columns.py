"""Column types that hold the same on SQLite and on PostgreSQL, and the statements each spells its own way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import DateTime, String, Text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Dialect, Insert, Table
    from sqlalchemy.ext.asyncio import AsyncConnection
    from sqlalchemy.sql.compiler import SQLCompiler


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC time: ``timestamptz`` on PostgreSQL; on SQLite ISO 8601 text of one width."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text where the database has no time type."""
        return String(32) if dialect.name == "sqlite" else DateTime(timezone=True)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse naive times: they would mean another instant on every machine."""
        return None if value is None else time_as_stored(value, dialect.name)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Back to an aware UTC time, whatever zone the database session has."""
        if value is None:
            return None
        return datetime.fromisoformat(value) if dialect.name == "sqlite" else value.astimezone(UTC)


def time_as_stored(value: datetime, dialect: str) -> datetime | str:
    """A time as the driver takes it."""
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    utc = value.astimezone(UTC)
    return utc.isoformat(timespec="microseconds") if dialect == "sqlite" else utc


class JsonText(TypeDecorator[Any]):
    """Plain data as JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's call
        """One line of JSON; Decimals and other values of ours by their text."""
        return None if value is None else orjson.dumps(value, default=str).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002 - SQLAlchemy's call
        """The plain data again."""
        return None if value is None else orjson.loads(value)


_BLOCK = 64  # rows of one statement; times 15 columns stays below the 999 parameters of every SQLite


class TextList(TypeDecorator["Sequence[str]"]):
    """A list of texts as ONE parameter, for ``among``: no statement grows with the number of keys."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """JSON text on SQLite, ``text[]`` on PostgreSQL."""
        return Text() if dialect.name == "sqlite" else postgresql.ARRAY(Text)

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> Any:
        """The list as the database takes it."""
        texts = list(value or ())
        return orjson.dumps(texts).decode() if dialect.name == "sqlite" else texts

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002 - SQLAlchemy's call
        """Never read back."""
        return value


class among(FunctionElement[Any]):  # noqa: N801 - reads as the SQL word it stands for
    """``among(column, bindparam("keys", type_=TextList()))``: the column holds one of the texts."""

    name = "among"
    inherit_cache = True  # no Boolean type: SQLite would get "IN (…) = 1", which no index can answer


@compiles(among, "sqlite")
def _among_sqlite(element: among, compiler: SQLCompiler, **kw: Any) -> str:
    column, texts = element.clauses
    bound = compiler.process(texts, **kw)
    return f"{compiler.process(column, **kw)} IN (SELECT value FROM json_each({bound}))"  # noqa: S608 - compiled parts


@compiles(among, "postgresql")
def _among_postgresql(element: among, compiler: SQLCompiler, **kw: Any) -> str:
    column, texts = element.clauses
    return f"{compiler.process(column, **kw)} = ANY({compiler.process(texts, **kw)})"


def upsert(
    table: Table, *, key: Sequence[str], change: Sequence[str], only_where: Any = None, **computed: Any
) -> Mapping[str, Insert]:
    """Insert, or change the row that has the key; one statement a dialect, to be looked up by ``tx.dialect``.

    ``change`` names the columns taken from the new row, ``computed`` gives further ones by an expression, and
    ``only_where`` is the condition of a partial unique index.
    """
    statements: dict[str, Insert] = {}
    for dialect, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert)):
        statement = insert(table)
        taken = {name: statement.excluded[name] for name in change}
        statements[dialect] = statement.on_conflict_do_update(
            index_elements=list(key), index_where=only_where, set_={**taken, **computed}
        )
    return statements


def insert_if_new(table: Table, *, key: Sequence[str]) -> Mapping[str, Insert]:
    """Insert, or leave the row that has the key as it is; one statement a dialect."""
    return {
        "sqlite": sqlite.insert(table).on_conflict_do_nothing(index_elements=list(key)),
        "postgresql": postgresql.insert(table).on_conflict_do_nothing(index_elements=list(key)),
    }


class RowInsert:
    """An insert (or upsert) of many rows, given as tuples of every column of its table, in order.

    For the two inserts of every batch: it spares SQLAlchemy's work per row, half of their time. Values go to the driver
    as they are: their columns need types of the driver's own, and times ``time_as_stored``.
    """

    def __init__(self, insert: Insert | Mapping[str, Insert]) -> None:
        self._texts: dict[str, str] = {}
        dialects: tuple[Any, ...] = (sqlite.dialect, psycopg.dialect)
        for dialect in (
            make(paramstyle=style) for make, style in zip(dialects, ("qmark", "format"), strict=True)
        ):
            statement = insert[dialect.name] if isinstance(insert, Mapping) else insert
            compiled = statement.compile(dialect=dialect)
            columns = [column.name for column in statement.table.columns]
            if compiled.positiontup != columns:
                raise AssertionError(f"{compiled.positiontup} is not {columns}")
            self._texts[dialect.name] = compiled.string
        one_row = f"({', '.join('?' * len(columns))})"
        self._block = self._texts["sqlite"].replace(one_row, ", ".join([one_row] * _BLOCK), 1)

    async def execute(self, connection: AsyncConnection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert the rows.

        On SQLite most of them in blocks, a statement each: its driver hands the interpreter over and takes it back
        at every statement, for which a busy event loop lets it wait up to five milliseconds.
        """
        dialect = connection.dialect.name
        blocks = len(rows) // _BLOCK if dialect == "sqlite" else 0
        if blocks:
            starts = range(0, blocks * _BLOCK, _BLOCK)
            whole = [tuple(chain.from_iterable(rows[start : start + _BLOCK])) for start in starts]
            await connection.exec_driver_sql(self._block, whole)
        if rest := list(rows[blocks * _BLOCK :]):
            await connection.exec_driver_sql(self._texts[dialect], rest)
