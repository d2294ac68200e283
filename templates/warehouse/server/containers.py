"""Databases and schemas: a database is a file of its own."""
from __future__ import annotations

import os
from contextlib import suppress

import duckdb
from sqlglot import Expr, exp

from engine import Engine
from errors import WireError, compilation
from names import text_of
from session import Session

_MISSING = "SQL compilation error:\n{0} '{1}' does not exist or not authorized."


def change_container(engine: Engine, session: Session, expression: Expr) -> str | None:
    """CREATE and DROP of a database or schema. Returns the status to show; None where the statement is about something else."""
    kind = str(expression.args.get("kind") or "").upper()
    if not isinstance(expression, exp.Create | exp.Drop) or kind not in ("DATABASE", "SCHEMA"):
        return None
    table = expression.this
    if not isinstance(table, exp.Table):
        raise compilation(1003, "42000", f"syntax error in the name of the {kind.lower()}.")
    exists = bool(expression.args.get("exists"))
    parts = [text_of(part) for part in (table.args.get("catalog"), table.args.get("db"), table.this) if part]
    if kind == "DATABASE":
        change = _create_database if isinstance(expression, exp.Create) else _drop_database
        return change(engine, session, parts[-1], exists)
    database = parts[-2] if len(parts) > 1 else session.database
    if database is None:
        raise compilation(90105, "22000", "This session does not have a current database. Call 'USE DATABASE', or use a qualified name.")
    if isinstance(expression, exp.Create):
        return _create_schema(session, database, parts[-1], exists, bool(expression.args.get("replace")))
    return _drop_schema(session, database, parts[-1], exists)


def _create_database(engine: Engine, session: Session, name: str, exists: bool) -> str:
    if not name.replace("_", "").replace("$", "").isalnum():
        raise compilation(1008, "22023", f"invalid name of a database: '{name}'.")
    known = name in engine.databases()
    if known and not exists:
        raise WireError(2002, "42710", f"SQL compilation error:\nObject '{name}' already exists.")
    if not known:
        engine.attach_database(name)
        _execute(session, f'CREATE SCHEMA IF NOT EXISTS "{name}"."PUBLIC"')
        session.connection.enter(name, "PUBLIC")
    return f"{name} already exists, statement succeeded." if known else f"Database {name} successfully created."


def _drop_database(engine: Engine, session: Session, name: str, exists: bool) -> str:
    if name not in engine.databases():
        if exists:
            return "Drop statement executed successfully."
        raise WireError(2003, "02000", _MISSING.format("Database", name))
    if session.database == name:
        session.connection.leave()
    _execute(session, f'DETACH "{name}"')
    for ending in (".db", ".db.wal"):
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(engine.data, name + ending))
    return f"{name} successfully dropped."


def _create_schema(session: Session, database: str, name: str, exists: bool, replace: bool) -> str:
    if replace:
        _execute(session, f'DROP SCHEMA IF EXISTS "{database}"."{name}" CASCADE')
    _execute(session, f'CREATE SCHEMA {"IF NOT EXISTS " if exists else ""}"{database}"."{name}"')
    session.connection.enter(database, name)
    return f"Schema {name} successfully created."


def _drop_schema(session: Session, database: str, name: str, exists: bool) -> str:
    if session.database == database and session.schema == name:
        session.connection.enter(database, None)
    _execute(session, f'DROP SCHEMA {"IF EXISTS " if exists else ""}"{database}"."{name}" CASCADE')
    return f"{name} successfully dropped."


def _execute(session: Session, sql: str) -> None:
    try:
        session.connection.duckdb.execute(sql)
    except duckdb.CatalogException as error:
        if "already exists" in str(error):
            raise WireError(2002, "42710", f"SQL compilation error:\nObject {str(error).split('name')[-1].split()[0]} already exists.") from error
        raise
