"""fakesnow's connection and cursor with this server's own results: streamed, described by DuckDB itself, never cached."""
from __future__ import annotations

import re
import uuid
from typing import Any

import duckdb
import fakesnow.transforms as transforms
import pyarrow as pa
from fakesnow.conn import FakeSnowflakeConnection
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.transforms.transforms import _numeric_agg_col_name as _aggregate_name
from sqlglot import Expr, exp

from engine import Engine
from results import Spill, read_result


def _named_aggregate(expression: Expr) -> Expr:
    """An aggregate's column is called as Snowflake calls it. fakesnow also casts the argument to DOUBLE, which makes sums of
    money inexact; here a text column is not summed without a cast."""
    if not isinstance(expression, exp.AggFunc) or not isinstance(expression.parent, exp.Select):
        return expression
    name = _aggregate_name(expression, expression.this)
    return exp.alias_(expression, name, quoted=True) if name else expression


_integer_precision = transforms.integer_precision


def _wide_integer(expression: Expr) -> Expr:
    """NUMBER(38, 0) holds 38 digits, where it is written so; fakesnow would take 64 bits, as for INT and a bare NUMBER."""
    if isinstance(expression, exp.DataType) and expression.this == exp.DataType.Type.DECIMAL:
        if [parameter.name for parameter in expression.expressions] in (["38", "0"], ["38"]):
            return exp.DataType(this=exp.DataType.Type.INT128, nested=False)
    return _integer_precision(expression)


transforms.numeric_agg_implicit_cast = _named_aggregate
transforms.integer_precision = _wide_integer

_CATALOG = re.compile(r"(?<![\w\"'.])([A-Za-z]\w*)\._fs_information_schema")


class _Forgetful(dict[str, tuple]):
    """fakesnow keeps every result for RESULT_SCAN, which is refused here: memory is worth more."""

    def __setitem__(self, key: str, value: tuple) -> None:
        pass


class _Streaming:
    """A DuckDB connection whose results pass through in batches, so that a big one never lies in memory whole."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, directory: str) -> None:
        self._connection = connection
        self._directory = directory
        self.columns: list[tuple[str, str]] = []
        self.spill: Spill | None = None

    def execute(self, sql: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        # fakesnow writes a database's name unquoted there, which may be one of DuckDB's words, as LAMBDA is.
        return self._connection.execute(_CATALOG.sub(r'"\1"._fs_information_schema', sql), *args, **kwargs)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever DuckDB's connection has
        return getattr(self._connection, name)

    def to_arrow_table(self) -> pa.Table:
        self.columns = [(column[0], str(column[1])) for column in self._connection.description or []]
        table, self.spill = read_result(self._connection.to_arrow_reader(10_000), self._directory)
        return table


class Cursor(FakeSnowflakeCursor):
    """Runs statements that are parsed already. `table` and `columns` hold the last result."""

    def run(self, expression: Expr, params: list[Any] | None) -> None:
        for statement in self._transform_explode(expression):
            transformed = self._transform(statement, params)
            self._execute(transformed, params if transformed.find(exp.Placeholder) else None)

    def _transform(self, expression: Expr, params: list[Any] | None) -> Expr:
        """fakesnow's translation with every name quoted: Snowflake's names may be DuckDB's words."""
        translated = super()._transform(expression, params)
        for identifier in translated.find_all(exp.Identifier):
            identifier.set("quoted", True)
        return translated

    def translate(self, expression: Expr, params: list[Any] | None = None) -> str:
        """The statement as DuckDB runs it."""
        return self._transform(expression, params).sql(dialect="duckdb")

    def tally(self, sql: str, params: list[Any] | None) -> dict[str, int]:
        """How often each value comes in the only column of a result of any length."""
        self._duck_conn.execute(sql, params)
        counts: dict[str, int] = {}
        for batch in self._duck_conn.to_arrow_reader(10_000):
            for value in batch.column(0).value_counts().to_pylist():
                counts[value["values"]] = counts.get(value["values"], 0) + value["counts"]
        return counts

    def direct(self, sql: str, params: list[Any] | None = None) -> None:
        """DuckDB's own SQL."""
        self._duck_conn.execute(sql, params)
        self._arrow_table = self._duck_conn.to_arrow_table()
        self._sfqid = str(uuid.uuid4())
        self._last_transformed = None

    @property
    def table(self) -> pa.Table:
        return self._arrow_table if self._arrow_table is not None else pa.table({})

    @property
    def columns(self) -> list[tuple[str, str]]:
        return self._duck_conn.columns

    @property
    def spill(self) -> Spill | None:
        """The rows behind `table`'s."""
        return self._duck_conn.spill

    @property
    def transformed(self) -> Expr | None:
        return self._last_transformed


class Connection(FakeSnowflakeConnection):
    """One session's connection: a cursor of the engine's DuckDB instance."""

    def __init__(self, engine: Engine, database: str | None, schema: str | None) -> None:
        self._results = engine.results
        self.roles = engine.config.roles
        connection = engine.connection.cursor()
        known = connection.execute(
            "SELECT catalog_name, schema_name FROM information_schema.schemata WHERE catalog_name = ?", [database]
        ).fetchall()
        # Snowflake lets a session begin without the database that was asked for; the first statement then tells.
        database = database if known else None
        schema = schema if database and (schema == "INFORMATION_SCHEMA" or (database, schema) in known) else None
        super().__init__(connection, _Forgetful(), create_database=False, create_schema=False, db_path=engine.data)
        if database:
            self.enter(database, "_FS_INFORMATION_SCHEMA" if schema == "INFORMATION_SCHEMA" else schema)

    def cursor(self, cursor_class: type | None = None) -> Cursor:
        # The cast is fakesnow's own: it only calls what a connection has.
        return Cursor(conn=self, duck_conn=_Streaming(self._duck_conn, self._results))  # type: ignore[arg-type]

    def enter(self, database: str, schema: str | None) -> None:
        """Makes them current."""
        quoted = f'"{database}"."{schema or "main"}"'.replace("'", "''")
        self._duck_conn.execute(f"SET schema = '{quoted}'")
        self.database, self.database_set = database, True
        self._schema, self.schema_set = schema, schema is not None

    def leave(self) -> None:
        """Nothing is current."""
        self._duck_conn.execute("SET schema = 'memory.main'")
        self.database, self.database_set, self._schema, self.schema_set = None, False, None, False

    @property
    def duckdb(self) -> duckdb.DuckDBPyConnection:
        return self._duck_conn
