"""Temporary tables and views: DuckDB's own, which only their connection sees, under the name the session gave them."""
from __future__ import annotations

from sqlglot import Expr, exp

from names import resolve, target_of
from rewrite import is_temporary, rewrite
from session import Session


def change_temporary(session: Session, expression: Expr) -> str | None:
    """Creates or drops one. Returns the status to show, None where the statement is about something else."""
    target = target_of(expression)
    kind = str(expression.args.get("kind") or "").upper()
    if target is None or kind not in ("TABLE", "VIEW"):
        return None
    if isinstance(expression, exp.Create) and is_temporary(expression):
        return _create(session, expression, target, kind)
    if isinstance(expression, exp.Drop):
        name = resolve(target, session.database, session.schema)
        if (hidden := session.temporary.get(name)) is not None:
            _drop(session, hidden)
            del session.temporary[name]
            return f"{name.name} successfully dropped."
    return None


def _create(session: Session, expression: exp.Create, target: exp.Table, kind: str) -> str:
    name = resolve(target, session.database, session.schema)
    before = session.temporary.get(name)
    if before is not None and expression.args.get("exists"):
        return f"{name.name} already exists, statement succeeded."
    # A new name each time, so that a table may be replaced by a query on itself.
    hidden = f"{name}#{session.number}.{len(session.temporary)}.{0 if before is None else int(before.rpartition('.')[2]) + 1}"
    rewritten = rewrite(expression, session)
    table = target_of(rewritten)
    if table is not None:
        table.set("catalog", exp.to_identifier("temp", quoted=True))
        table.set("db", exp.to_identifier("main", quoted=True))
        table.set("this", exp.to_identifier(hidden, quoted=True))
        table.set("alias", None)
    rewritten.set("replace", False)
    cursor = session.connection.cursor()
    cursor.direct(cursor.translate(rewritten))
    if before is not None:
        _drop(session, before)
    session.temporary[name] = hidden
    return f"{kind.capitalize()} {name.name} successfully created."


def _drop(session: Session, hidden: str) -> None:
    quoted = hidden.replace('"', '""')
    run = session.connection.duckdb
    found = run.execute("SELECT 1 FROM duckdb_views() WHERE database_name = 'temp' AND view_name = ?", [hidden]).fetchone()
    run.execute(f'DROP {"VIEW" if found else "TABLE"} temp.main."{quoted}"')
