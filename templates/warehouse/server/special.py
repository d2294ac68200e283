"""Statements with an answer of their own: USE, LIST, REMOVE, PUT, DESCRIBE TABLE."""
from __future__ import annotations

import os
import re
import secrets
from typing import Any

import pyarrow as pa
from fakesnow.statement_type import UNKNOWN
from fakesnow.transforms.stage import internal_dir
from sqlglot import Expr, exp

from access import check_read, may_read, may_write
from engine import Engine
from errors import WireError, insufficient, no_object, unsupported
from names import resolve, text_of
from session import Session
from stages import Place, list_files, place_of, remove_files

UPLOADS: dict[str, str] = {}
"""Token of an upload → the directory it may write to; the latest thousand."""


def use(session: Session, expression: Expr) -> str | None:
    """USE ROLE and USE WAREHOUSE; the others are fakesnow's once the object is known to exist."""
    if not isinstance(expression, exp.Use):
        return None
    kind = str(expression.args.get("kind") or "").upper()
    name = text_of(expression.this.this) if isinstance(expression.this, exp.Table) else str(expression.this or "")
    if kind == "ROLE":
        roles = session.connection.roles
        own = roles[session.user.role]
        if name not in roles or not (own.admin or name == own.name):
            raise WireError(2043, "02000", "SQL compilation error:\nObject does not exist, or operation cannot be performed.")
        session.role = roles[name]
        return "Statement executed successfully."
    if kind == "WAREHOUSE":
        session.warehouse = name
        return "Statement executed successfully."
    if kind == "SECONDARY":
        return "Statement executed successfully."
    table = expression.this
    if kind not in ("DATABASE", "SCHEMA"):
        # USE name, or USE database.schema
        expression.set("kind", exp.Var(this="SCHEMA" if table.args.get("db") else "DATABASE"))
    _use_container(session, table, schema=str(expression.args["kind"]).upper() == "SCHEMA")
    return "Statement executed successfully."


def _use_container(session: Session, table: exp.Table, schema: bool) -> None:
    name, parent = text_of(table.this), text_of(table.args.get("db"))
    database = (parent or session.database) if schema else name
    wanted = name if schema else "main"
    run = session.connection.duckdb
    sql = "SELECT 1 FROM information_schema.schemata WHERE catalog_name = ? AND schema_name = ?"
    if not run.execute(sql, [database, wanted]).fetchone():
        raise WireError(2043, "02000", f"SQL compilation error:\nObject '{name}' does not exist, or operation cannot be performed.")
    session.connection.enter(database, name if schema else None)


def list_or_remove(engine: Engine, session: Session, expression: Expr) -> pa.Table | None:
    if isinstance(expression, exp.ListStage):
        place, pattern = place_of(expression.this.name, session), expression.args.get("pattern")
        _check_stage(session, place, write=False)
        return list_files(engine, place, pattern.name if isinstance(pattern, Expr) else pattern)
    if isinstance(expression, exp.Command) and str(expression.this).upper() in ("REMOVE", "RM"):
        match = re.fullmatch(r"\s*(\S+)(?:\s+pattern\s*=\s*'(.*)')?\s*", str(expression.expression.name if isinstance(expression.expression, Expr) else expression.expression), re.I | re.S)
        if not match:
            raise WireError(1003, "42000", "SQL compilation error:\nsyntax error in REMOVE.")
        place = place_of(match[1], session)
        _check_stage(session, place, write=True)
        return remove_files(engine, place, match[2])
    if isinstance(expression, exp.Command):
        raise unsupported(str(expression.this).upper())
    return None


def _check_stage(session: Session, place: Place, write: bool) -> None:
    allowed = may_write if write else may_read
    if not allowed(session.role, f"{place.stage.database}.{place.stage.schema}"):
        raise insufficient("stage", place.stage.name)


def put(session: Session, expression: exp.Put, params: Any, make: type) -> Any:  # noqa: ANN401 - execute.Outcome, which imports this
    """Tells the client where to write: the JavaScript client into the directory, the others by an address that is good once."""
    target = expression.args["target"].text("this")
    place = place_of(params[0] if target == "?" and params else target, session)
    _check_stage(session, place, write=True)
    if place.stage.url:
        raise unsupported("PUT into an external stage")
    cursor = session.connection.cursor()
    cursor.run(expression, params)
    transformed = cursor.transformed
    data = transformed.args.get("put_stage_data") if transformed is not None else None
    if data is None:
        raise unsupported("this PUT")
    if not session.javascript:
        token = secrets.token_urlsafe(24)
        UPLOADS[token] = data["stageInfo"]["location"]
        while len(UPLOADS) > 1000:
            UPLOADS.pop(next(iter(UPLOADS)))
        name = os.path.basename(data["src_locations"][0])
        data["stageInfo"] = {"locationType": "GCS", "location": f"{place.stage.name}/", "creds": {}, "presignedUrl": f"/uploads/{token}/{name}"}
    else:
        internal_dir(f"{place.stage.database}.{place.stage.schema}.{place.stage.name}")
    return make(pa.table({}), [], UNKNOWN, put=data)


_TYPES = {
    "BIGINT": "NUMBER(38,0)", "HUGEINT": "NUMBER(38,0)", "INTEGER": "NUMBER(38,0)", "UBIGINT": "NUMBER(38,0)", "DOUBLE": "FLOAT",
    "BLOB": "BINARY(8388608)", "TIMESTAMP": "TIMESTAMP_NTZ(6)", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP_TZ(6)", "TIME": "TIME(6)",
    "JSON": "VARIANT",
}  # fmt: skip

_DESCRIBE = """
SELECT column_name, data_type, is_nullable, column_default, comment, ext_character_maximum_length
FROM duckdb_columns() LEFT JOIN _fs_global._fs_information_schema._fs_columns_ext
  ON ext_table_catalog = database_name AND ext_table_schema = schema_name
 AND ext_table_name = table_name AND ext_column_name = column_name
WHERE database_name = ? AND schema_name = ? AND table_name = ? ORDER BY column_index"""


def describe(session: Session, expression: exp.Describe) -> pa.Table | None:
    """DESCRIBE TABLE or VIEW as Snowflake shows it; None where it is about something else."""
    kind = str(expression.args.get("kind") or "").upper()
    table = expression.this if isinstance(expression.this, exp.Table) else None
    if kind not in ("TABLE", "VIEW", "") or table is None or table.db == "INFORMATION_SCHEMA":
        return None
    name = resolve(table, session.database, session.schema)
    check_read(name, session.role)
    rows = session.connection.duckdb.execute(_DESCRIBE, list(session.physical(name))).fetchall()
    if not rows:
        raise no_object(str(name), "View" if kind == "VIEW" else "Table")
    text, empty = pa.string(), pa.nulls(len(rows), pa.string())
    return pa.table(
        {
            "name": pa.array([row[0] for row in rows], text),
            "type": pa.array([shown_type(row[1], row[5]) for row in rows], text),
            "kind": pa.array(["COLUMN"] * len(rows), text),
            "null?": pa.array(["Y" if row[2] else "N" for row in rows], text),
            "default": pa.array([row[3] for row in rows], text),
            "primary key": pa.array(["N"] * len(rows), text),
            "unique key": pa.array(["N"] * len(rows), text),
            "check": empty,
            "expression": empty,
            "comment": pa.array([row[4] for row in rows], text),
            "policy name": empty,
            "privacy domain": empty,
        }
    )


def shown_type(kind: str, length: int | None) -> str:
    if kind == "VARCHAR":
        return f"VARCHAR({length or 16777216})"
    if kind.startswith("DECIMAL"):
        return kind.replace("DECIMAL", "NUMBER").replace(", ", ",")
    return _TYPES.get(kind, "ARRAY" if kind.endswith("]") else kind)

