"""Roles: what a session's role may read and change. Four fixed roles come with the config; GRANT changes nothing."""
from __future__ import annotations

from fnmatch import fnmatchcase

from sqlglot import Expr, exp

from config import Role
from errors import insufficient, no_object, unsupported
from names import Name, resolve, tables_of, target_of, text_of

_OPEN_SCHEMAS = ("INFORMATION_SCHEMA",)

# DuckDB's own functions that read files or look behind the curtain.
_FORBIDDEN_PREFIXES = ("read_", "parquet_", "glob", "sniff_", "duckdb_", "pragma_", "sqlite_", "postgres_", "query",
                       "arrow_scan", "pandas_scan", "getenv", "current_setting", "which_secret")  # fmt: skip


def may_read(role: Role, schema: str) -> bool:
    return role.admin or any(fnmatchcase(schema, pattern) for pattern in (*role.read, *role.write))


def may_write(role: Role, schema: str) -> bool:
    return role.admin or any(fnmatchcase(schema, pattern) for pattern in role.write)


def check(expression: Expr, role: Role, database: str | None, schema: str | None) -> None:
    """Raises 003001 for a change and 002003 for a read that the role has no right to; functions are checked for all."""
    _forbid_functions(expression)
    if role.admin:
        return
    if isinstance(expression, exp.Grant | exp.Revoke):
        raise insufficient("account", "EMBEDDED")
    kind = str(expression.args.get("kind") or "").upper()
    target = target_of(expression)
    if isinstance(expression, exp.Create | exp.Drop | exp.Alter) and kind in ("DATABASE", "SCHEMA"):
        _check_container(expression, kind, target, role, database)
        return
    if target is not None:
        name = resolve(target, database, schema)
        temporary = isinstance(expression, exp.Create) and expression.find(exp.TemporaryProperty) is not None
        allowed = may_read if temporary else may_write
        if not allowed(role, f"{name.database}.{name.schema}"):
            made = isinstance(expression, exp.Create)
            raise insufficient("schema" if made else kind.lower() or "table", name.schema if made else name.name)
    if isinstance(expression, exp.Use | exp.Show):
        return
    for table in tables_of(expression):
        if table is not target:
            check_read(resolve(table, database, schema), role)


def check_read(name: Name, role: Role) -> None:
    if name.schema not in _OPEN_SCHEMAS and not may_read(role, f"{name.database}.{name.schema}"):
        raise no_object(str(name))


def _check_container(expression: Expr, kind: str, target: exp.Table | None, role: Role, database: str | None) -> None:
    if kind == "DATABASE" or target is None:
        raise insufficient("account", "EMBEDDED")
    owner = text_of(target.args.get("catalog")) or text_of(target.args.get("db")) if target.args.get("catalog") else (database or "")
    name = text_of(target.args.get("db")) or text_of(target.this)
    if not may_write(role, f"{owner}.{name}"):
        raise insufficient("database" if isinstance(expression, exp.Create) else "schema", owner if isinstance(expression, exp.Create) else name)


def _forbid_functions(expression: Expr) -> None:
    for node in expression.find_all(exp.Func):
        name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
        if name.startswith(_FORBIDDEN_PREFIXES):
            raise unsupported(f"function {name.upper()}")
