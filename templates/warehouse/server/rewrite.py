"""What a statement needs before fakesnow translates it: full names, the session's temporary tables, and what fakesnow lacks."""
from __future__ import annotations

from sqlglot import Expr, exp

import fakesnow.transforms as transforms
from fakesnow.transforms import SERVER_VERSION

from errors import unsupported
from names import is_table, ctes_of, resolve, target_of
from session import Session

VERSION = f"{SERVER_VERSION} embedded (lambdactl, fakesnow 0.12.1)"


def normalised(expression: Expr, params: list | None) -> Expr:
    """IDENTIFIER(…) replaced by what it names and unquoted names in upper case, so that names can be compared."""
    return expression.transform(lambda node: transforms.identifier(node, params), copy=False).transform(
        transforms.upper_case_unquoted_identifiers, copy=False
    )


def rewrite(expression: Expr, session: Session) -> Expr:
    """Changes the statement in place where possible."""
    _strip_constraints(expression)
    _qualify(expression, session)
    return expression.transform(lambda node: _function(node, session), copy=False)


def refuse(expression: Expr) -> None:
    """Raises 000002 for what no session can do here."""
    for table in expression.find_all(exp.Table):
        if table.args.get("when"):
            raise unsupported("time travel (AT, BEFORE)")
        if isinstance(table.this, exp.Literal):
            raise unsupported("reading a file by its name; use a stage and COPY INTO")
        # COPY names its stage the same way, but is carried out elsewhere.
        if isinstance(table.this, exp.Var) and table.this.name.startswith("@") and not isinstance(expression, exp.Copy):
            raise unsupported("SELECT from a stage; COPY INTO a table first")
    for call in expression.find_all(exp.Anonymous):
        if call.name.upper() == "RESULT_SCAN":
            raise unsupported("RESULT_SCAN")
    if isinstance(expression, exp.Create):
        for like in expression.find_all(exp.LikeProperty):
            raise unsupported(f"CREATE TABLE … LIKE {like.this}; use CREATE TABLE … AS SELECT … WHERE FALSE")


def _strip_constraints(expression: Expr) -> None:
    """Snowflake records PRIMARY KEY, UNIQUE and FOREIGN KEY and enforces none of them; a key's columns are NOT NULL."""
    if not (isinstance(expression, exp.Create) and isinstance(expression.this, exp.Schema)):
        return
    schema, keys = expression.this, set()
    kept = []
    for part in schema.expressions:
        key = part.find(exp.PrimaryKey) if isinstance(part, exp.PrimaryKey | exp.Constraint) else None
        if key:
            keys |= {each.name for each in key.find_all(exp.Identifier)}
        if not isinstance(part, exp.PrimaryKey | exp.ForeignKey | exp.Constraint | exp.UniqueColumnConstraint):
            kept.append(part)
    schema.set("expressions", kept)
    for column in [each for each in kept if isinstance(each, exp.ColumnDef)]:
        constraints = column.args.get("constraints") or []
        kinds = [each.args.get("kind") for each in constraints]
        is_key = column.name in keys or any(isinstance(kind, exp.PrimaryKeyColumnConstraint) for kind in kinds)
        unenforced = (exp.PrimaryKeyColumnConstraint, exp.UniqueColumnConstraint, exp.Reference)
        remaining = [each for each, kind in zip(constraints, kinds, strict=True) if not isinstance(kind, unenforced)]
        if is_key and not any(isinstance(kind, exp.NotNullColumnConstraint) for kind in kinds):
            remaining.append(exp.ColumnConstraint(kind=exp.NotNullColumnConstraint()))
        column.set("constraints", remaining)


def is_constraint_only(expression: Expr) -> bool:
    """ALTER TABLE … ADD PRIMARY KEY and its like: accepted, recorded nowhere."""
    actions = expression.args.get("actions") or [] if isinstance(expression, exp.Alter) else []
    return bool(actions) and all(isinstance(action, exp.AddConstraint) for action in actions)


def is_temporary(expression: Expr) -> bool:
    properties = expression.args.get("properties") if isinstance(expression, exp.Create) else None
    return properties is not None and any(isinstance(each, exp.TemporaryProperty) for each in properties.expressions)


def _qualify(expression: Expr, session: Session) -> None:
    if isinstance(expression, exp.Use | exp.Show | exp.Put | exp.ListStage):
        return
    ctes = ctes_of(expression)
    target = target_of(expression)
    kind = str(expression.args.get("kind") or "").upper()
    if kind in ("SCHEMA", "DATABASE", "STAGE", "FILE FORMAT", "SEQUENCE", "SESSION"):
        return
    makes_permanent = isinstance(expression, exp.Create) and not is_temporary(expression)
    for table in list(expression.find_all(exp.Table)):
        if not is_table(table, ctes) or table.args.get("db") and table.db.upper() == "INFORMATION_SCHEMA":
            continue
        name = resolve(table, session.database, session.schema)
        hidden = session.temporary.get(name)
        if hidden is not None and not (table is target and makes_permanent):
            _point_at(table, "temp", "main", hidden, alias=None if table is target else name.name)
        elif not (table is target and isinstance(expression, exp.Alter)):
            _point_at(table, name.database, name.schema, name.name)


def _point_at(table: exp.Table, database: str, schema: str, name: str, alias: str | None = None) -> None:
    table.set("catalog", exp.to_identifier(database, quoted=True))
    table.set("db", exp.to_identifier(schema, quoted=True))
    table.set("this", exp.to_identifier(name, quoted=True))
    # Its columns may be named with the table's own name.
    if alias and not table.args.get("alias") and isinstance(table.parent, exp.From | exp.Join):
        table.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))


def _function(node: Expr, session: Session) -> Expr:
    text = _context(node, session)
    if text is not None:
        return exp.Literal.string(text) if text else exp.Null()
    if isinstance(node, exp.MD5NumberLower64):
        return _md5_part(node.this, 17)
    if isinstance(node, exp.MD5NumberUpper64):
        return _md5_part(node.this, 1)
    return node


def _context(node: Expr, session: Session) -> str | None:
    """What Snowflake's context functions say of this session; an empty text is NULL, None is no such function."""
    if isinstance(node, exp.CurrentUser):
        return session.user.name
    if isinstance(node, exp.CurrentRole):
        return session.role.name
    if isinstance(node, exp.CurrentWarehouse):
        return session.warehouse or ""
    if isinstance(node, exp.CurrentAccount):
        return "EMBEDDED"
    if isinstance(node, exp.CurrentRegion):
        return "EMBEDDED"
    if isinstance(node, exp.CurrentSession):
        return str(session.number)
    if isinstance(node, exp.CurrentDatabase):
        return session.database or ""
    if isinstance(node, exp.CurrentSchema):
        return session.schema or ""
    if isinstance(node, exp.CurrentVersion):
        return VERSION
    return None


def _md5_part(argument: Expr, start: int) -> Expr:
    """64 bits of the digest as an unsigned number: digits 1–16 or 17–32 of its hexadecimal form, highest first."""
    digits = exp.Substring(this=exp.MD5(this=argument), start=exp.Literal.number(start), length=exp.Literal.number(16))
    number = exp.Cast(this=exp.DPipe(this=exp.Literal.string("0x"), expression=digits), to=exp.DataType.build("UBIGINT", dialect="duckdb"))
    return exp.Cast(this=number, to=exp.DataType.build("HUGEINT", dialect="duckdb"))
