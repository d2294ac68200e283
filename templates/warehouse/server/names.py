"""Which objects a statement reads and which it changes, by full name."""
from __future__ import annotations

from typing import NamedTuple

from sqlglot import Expr, exp

from errors import compilation


class Name(NamedTuple):
    database: str
    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.database}.{self.schema}.{self.name}"


def text_of(identifier: Expr | None) -> str:
    """An identifier as the catalogue holds it: upper case unless quoted."""
    if isinstance(identifier, exp.Identifier):
        return identifier.this if identifier.quoted else identifier.this.upper()
    return identifier.name.upper() if isinstance(identifier, Expr) else ""


def resolve(table: exp.Table, database: str | None, schema: str | None) -> Name:
    """Raises 090105 or 090106 where the session has no current database or schema to complete the name with."""
    own_database = text_of(table.args.get("catalog")) or database
    if not own_database:
        raise compilation(90105, "22000", "This session does not have a current database. Call 'USE DATABASE', or use a qualified name.")
    own_schema = text_of(table.args.get("db")) or schema
    if not own_schema:
        raise compilation(90106, "22000", "This session does not have a current schema. Call 'USE SCHEMA', or use a qualified name.")
    return Name(own_database, own_schema, text_of(table.this))


def ctes_of(expression: Expr) -> set[str]:
    return {text_of(cte.args["alias"].this) for cte in expression.find_all(exp.CTE) if cte.args.get("alias")}


def is_table(node: Expr, ctes: set[str]) -> bool:
    """A table or view of the catalogue: no common table expression, no stage, no table function, no schema's name."""
    if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
        return False
    return bool(node.args.get("db")) or text_of(node.this) not in ctes


def target_of(expression: Expr) -> exp.Table | None:
    """The object that a changing statement names first."""
    if isinstance(expression, exp.Merge | exp.Update | exp.Delete | exp.Insert | exp.Create | exp.Alter | exp.Copy | exp.Comment):
        this = expression.this
        this = this.this if isinstance(this, exp.Schema) else this
        return this if isinstance(this, exp.Table) else None
    if isinstance(expression, exp.TruncateTable):
        return next((each for each in expression.expressions if isinstance(each, exp.Table)), None)
    if isinstance(expression, exp.Drop):
        tables = expression.args.get("tables") or []
        return next((each for each in [expression.this, *tables] if isinstance(each, exp.Table)), None)
    return None


def tables_of(expression: Expr) -> list[exp.Table]:
    ctes = ctes_of(expression)
    return [node for node in expression.find_all(exp.Table) if is_table(node, ctes)]
