"""The life of one statement: read, checked against the role, locked, run in its transaction, and what came of it."""
from __future__ import annotations

import random
import re
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa
import snowflake.connector.errors as connector
import sqlglot
from fakesnow.dialect import parse
from fakesnow.statement_type import COPY, DDL, SELECT, TCL, UNKNOWN, statement_type_id
from sqlglot import Expr, exp

import access
from administer import administer, is_begin
from binds import bulk_table, columns_of, scalars
from containers import change_container
from copying import copy_into
from cursor import Cursor
from engine import Engine
from errors import WireError, explain, is_conflict
from names import resolve, target_of
from results import Spill, row_type
from rewrite import is_constraint_only, normalised, refuse, rewrite
from session import Locks, Session
from special import describe, list_or_remove, put, use
from temporary import change_temporary

RETRY_SECONDS = 60.0
_DONE = "Statement executed successfully."


@dataclass
class Outcome:
    table: pa.Table
    columns: list[dict[str, Any]]
    kind: int
    query: str = field(default_factory=lambda: str(uuid.uuid4()))
    put: dict[str, Any] | None = None
    spill: Spill | None = None
    """The rows behind `table`'s."""

    @property
    def rows(self) -> int:
        return self.table.num_rows + sum(self.spill.counts if self.spill else [])


def status(text: str = _DONE, kind: int = DDL) -> Outcome:
    return of_table(pa.table({"status": [text]}), kind)


def of_table(table: pa.Table, kind: int) -> Outcome:
    names = {pa.string(): "VARCHAR", pa.int64(): "BIGINT"}
    columns = [(name, names.get(column.type, "VARCHAR")) for name, column in zip(table.column_names, table.columns, strict=True)]
    return Outcome(table, row_type(columns), kind)


def execute(engine: Engine, locks: Locks, session: Session, sql: str, bindings: dict[str, Any] | None, describe_only: bool) -> Outcome:
    """Runs it. Raises WireError; afterwards the session is as Snowflake's would be, or says why it is not."""
    try:
        if is_begin(sql):
            return _begin(session)
        if session.failure is None and administer(engine, session, sql):
            return status()
        expression = _parsed(session, sql)
        if isinstance(expression, exp.Commit | exp.Rollback):
            return _end(session, locks, commit=isinstance(expression, exp.Commit))
        if session.failure is not None:
            raise _lost(session)
        return _run(engine, locks, session, expression, bindings, describe_only)
    except (connector.Error, duckdb.Error, NotImplementedError, sqlglot.errors.SqlglotError) as error:
        raise explain(error) from error
    finally:
        _settle(session, locks)


def _parsed(session: Session, sql: str) -> Expr:
    # sqlglot takes "?::" for something else.
    sql = re.sub(r"'(?:[^']|'')*'|\?(?=::)", lambda match: "? " if match[0] == "?" else match[0], sql) if "?::" in sql else sql
    variables = session.connection.variables
    statements = [each for each in parse(variables.inline_variables(sql) if variables._variables else sql) if each and not isinstance(each, exp.Semicolon)]
    if not statements:
        raise WireError(900, "42601", "SQL compilation error:\nEmpty SQL statement.")
    if len(statements) > 1:
        raise WireError(8, "0A000", f"Actual statement count {len(statements)} did not match the desired statement count 1.")
    return statements[0]


def _run(engine: Engine, locks: Locks, session: Session, expression: Expr, bindings: dict[str, Any] | None, describe_only: bool) -> Outcome:
    kind = statement_type_id(expression)
    columns = columns_of(bindings)
    params = None if columns else scalars(bindings)
    expression = normalised(expression, params)
    if done := use(session, expression):
        return status(done)
    refuse(expression)
    session.connection.cursor().check_db_and_schema(expression)
    access.check(expression, session.role, session.database, session.schema)
    if (listing := list_or_remove(engine, session, expression)) is not None:
        return of_table(listing, UNKNOWN)
    if isinstance(expression, exp.Put):
        return put(session, expression, params, Outcome)
    if isinstance(expression, exp.Describe) and (described := describe(session, expression)) is not None:
        return of_table(described, kind)
    if describe_only:
        return _described(session, expression, kind)
    if is_constraint_only(expression):
        return status()
    writes = _prepare(locks, session, expression)
    if (changed := _repeated(session, lambda: change_container(engine, session, expression))) is not None:
        return status(changed)
    if isinstance(expression, exp.Copy):
        return of_table(_repeated(session, lambda: copy_into(engine, session, expression)), COPY)
    if (changed := change_temporary(session, expression)) is not None:
        return status(changed)
    rewritten = rewrite(expression, session)
    if columns:
        return _batch(session, rewritten, columns, kind)
    cursor = session.connection.cursor()
    action = (lambda: _merge(cursor, rewritten, params)) if isinstance(rewritten, exp.Merge) else (lambda: cursor.run(rewritten.copy(), params))
    _repeated(session, action)
    if isinstance(expression, exp.Comment):
        return status()
    return Outcome(cursor.table, row_type(cursor.columns), kind if writes or kind != UNKNOWN else SELECT, spill=cursor.spill)


def _prepare(locks: Locks, session: Session, expression: Expr) -> bool:
    """DDL ends a transaction, as in Snowflake; DML begins one where the session does not autocommit. Returns whether it writes."""
    if isinstance(expression, exp.Create | exp.Drop | exp.Alter | exp.Comment):
        if session.in_transaction:
            _end(session, locks, commit=True)
        return True
    if not isinstance(expression, exp.Insert | exp.Update | exp.Delete | exp.Merge | exp.Copy | exp.TruncateTable):
        return False
    if not session.autocommit and not session.in_transaction:
        _begin(session)
    overwrites = isinstance(expression, exp.Insert) and expression.args.get("overwrite")
    target = target_of(expression)
    if target is not None and (overwrites or isinstance(expression, exp.Update | exp.Delete | exp.Merge | exp.TruncateTable)):
        locks.take(resolve(target, session.database, session.schema), session)
    return True


def _repeated(session: Session, action):  # noqa: ANN001, ANN202 - whatever the action returns
    """Outside a transaction a conflict with another one means to wait for it, which is what Snowflake does."""
    deadline = time.monotonic() + RETRY_SECONDS
    while True:
        try:
            return action()
        except (connector.Error, duckdb.Error) as error:
            if session.in_transaction or not is_conflict(error) or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.01, 0.1))


def _merge(cursor: Cursor, merge: exp.Merge, params: list[Any] | None) -> None:
    """DuckDB's own MERGE is one atomic statement; fakesnow would take several."""
    kinds = {exp.Insert: "inserted", exp.Update: "updated"}
    present = [kinds.get(type(when.args["then"]), "deleted") for when in merge.args["whens"].expressions]
    actions = cursor.tally(f"{cursor.translate(merge.copy(), params)} RETURNING merge_action", params)
    counts = {"inserted": actions.get("INSERT", 0), "updated": actions.get("UPDATE", 0), "deleted": actions.get("DELETE", 0)}
    shown = [f'{counts[each]} AS "number of rows {each}"' for each in counts if each in present]
    cursor.direct(f"SELECT {', '.join(shown)}")


def _batch(session: Session, expression: Expr, columns: list[list[Any]], kind: int) -> Outcome:
    """An array of values for every placeholder: one INSERT from an Arrow table where it is that simple, else row by row."""
    cursor = session.connection.cursor()
    rows = bulk_table(expression, columns)
    if rows is None:
        count = 0
        for values in zip(*columns, strict=True):
            cursor.run(expression.copy(), list(values))
            count += cursor.rowcount or 0
    else:
        run = session.connection.duckdb
        target = expression.this.sql(dialect="duckdb")
        run.register("_lambdactl_batch", rows)
        try:
            count = _repeated(session, lambda: run.execute(f"INSERT INTO {target} SELECT * FROM _lambdactl_batch").fetchall()[0][0])
        finally:
            if session.in_transaction is False or _is_alive(session):
                run.unregister("_lambdactl_batch")
    cursor.direct(f'SELECT {count} AS "number of rows inserted"')
    return Outcome(cursor.table, row_type(cursor.columns), kind)


def _described(session: Session, expression: Expr, kind: int) -> Outcome:
    cursor = session.connection.cursor()
    rewritten = rewrite(expression, session)
    if isinstance(rewritten, exp.Query):
        plain = rewritten.transform(lambda node: exp.Null() if isinstance(node, exp.Placeholder) else node)
        cursor.direct(f"DESCRIBE {cursor.translate(plain)}")
        columns = [(row["column_name"], row["column_type"]) for row in cursor.table.to_pylist()]
        return Outcome(cursor.table.slice(0, 0), row_type(columns), kind)
    names = {exp.Insert: "number of rows inserted", exp.Update: "number of rows updated", exp.Delete: "number of rows deleted"}
    if name := names.get(type(rewritten)):
        return Outcome(pa.table({}), row_type([(name, "BIGINT")]), kind)
    return Outcome(pa.table({}), row_type([("status", "VARCHAR")]), kind)


def _begin(session: Session) -> Outcome:
    if not session.in_transaction:
        session.connection.duckdb.execute("BEGIN")
        session.in_transaction, session.failure = True, None
    return status(kind=TCL)


def _end(session: Session, locks: Locks, commit: bool) -> Outcome:
    lost, session.in_transaction = session.failure, False
    try:
        if commit and lost is not None:
            raise _lost(session)
        session.connection.duckdb.execute("COMMIT" if commit else "ROLLBACK")
    except duckdb.TransactionException as error:
        if "no transaction is active" not in str(error):
            raise
    finally:
        session.failure = None
        locks.release(session)
    return status(kind=TCL)


def _settle(session: Session, locks: Locks) -> None:
    """DuckDB gives a transaction up with any error in it, Snowflake does not: what follows must hear of it, COMMIT above all."""
    if not session.in_transaction:
        locks.release(session)
    elif session.failure is None and not _is_alive(session):
        session.connection.duckdb.execute("ROLLBACK")
        session.failure = "an earlier statement in it failed"
        locks.release(session)


def _is_alive(session: Session) -> bool:
    try:
        session.connection.duckdb.execute("SELECT 1").fetchall()
        return True
    except duckdb.Error:
        return False


def _lost(session: Session) -> WireError:
    message = (
        f"The transaction was rolled back because {session.failure}. Snowflake would have kept its earlier work; "
        "the embedded warehouse cannot. End it with ROLLBACK and begin again."
    )
    return WireError(90232, "25000", message)
