"""Errors as Snowflake words and numbers them: what a client sees is a code, an SQLSTATE and a message."""
from __future__ import annotations

import re

import duckdb
import snowflake.connector.errors as connector


class WireError(Exception):
    """An error that is already in Snowflake's terms."""

    def __init__(self, code: int | str, state: str, message: str) -> None:
        super().__init__(message)
        self.code = f"{code:06d}" if isinstance(code, int) else code
        self.state = state
        self.message = message


def unsupported(what: str) -> WireError:
    return WireError(2, "0A000", f"SQL compilation error:\nUnsupported feature in the embedded warehouse: {what}.")


def insufficient(kind: str, name: str) -> WireError:
    message = f"SQL access control error:\nInsufficient privileges to operate on {kind} '{name}'."
    return WireError(3001, "42501", message)


def no_object(name: str, kind: str = "Object") -> WireError:
    return WireError(2003, "42S02", f"SQL compilation error:\n{kind} '{name}' does not exist or not authorized.")


def compilation(code: int, state: str, message: str) -> WireError:
    return WireError(code, state, f"SQL compilation error:\n{message}")


# What DuckDB says → (code, SQLSTATE, message with the pattern's groups).
_PATTERNS: tuple[tuple[str, int, str, str], ...] = (
    (r"(?:Table|View) with name \"?(.+?)\"? does not exist", 2003, "42S02",
     "SQL compilation error:\nObject '{0}' does not exist or not authorized."),
    (r"Schema with name \"?(.+?)\"? does not exist", 2003, "02000",
     "SQL compilation error:\nSchema '{0}' does not exist or not authorized."),
    (r"Catalog \"(.+?)\" does not exist", 2003, "02000",
     "SQL compilation error:\nDatabase '{0}' does not exist or not authorized."),
    (r"(?:Table|View|Schema|Sequence)(?: Function)? with name \"(.+?)\" already exists", 2002, "42710",
     "SQL compilation error:\nObject '{0}' already exists."),
    (r"(?:Table|Scalar|Aggregate)?\s?(?:Macro )?Function with name \"?(.+?)\"? does not exist", 2140, "42601",
     "SQL compilation error:\nUnknown function {0}"),
    (r"No function matches the given name and argument types '(.+?)'", 1044, "42P13",
     "SQL compilation error:\nInvalid argument types for function '{0}'"),
    (r"Referenced (?:column|table) \"(.+?)\" not found", 904, "42000",
     "SQL compilation error:\ninvalid identifier '{0}'"),
    (r"does not have a column (?:with name|named) \"(.+?)\"", 904, "42000",
     "SQL compilation error:\ninvalid identifier '{0}'"),
    (r"NOT NULL constraint failed: (?:\S+\.)?(\w+)", 100072, "22000",
     "NULL result in a non-nullable column: '{0}'"),
    (r"Could not convert string ['\"](.*?)['\"] to (?:U?INT|U?BIGINT|HUGEINT|DECIMAL|DOUBLE)", 100038, "22018",
     "Numeric value '{0}' is not recognized"),
    (r"Could not convert string ['\"](.*?)['\"] to BOOL", 100037, "22018", "Boolean value '{0}' is not recognized"),
    (r"invalid (?:date|time|timestamp)[\w ]* (?:field )?format: ['\"](.*?)['\"]", 100035, "22007",
     "Timestamp '{0}' is not recognized"),
    (r"must appear in the GROUP BY clause", 979, "42601",
     "SQL compilation error:\n[an expression] is not a valid group by expression"),
    (r"(?i)division by zero|divide by zero", 100051, "22012", "Division by zero"),
    (r"Out of Memory Error|could not allocate", 300005, "53000",
     "The embedded warehouse is out of memory for this statement; raise components.warehouse.memoryMiB."),
)


def explain(error: BaseException) -> WireError:
    """Any failure of a statement, in Snowflake's terms; what nothing is known of keeps DuckDB's first line."""
    if isinstance(error, WireError):
        return error
    cause = error.__cause__ if isinstance(error, connector.Error) else error
    text = _text(cause if isinstance(cause, duckdb.Error) else error)
    for pattern, code, state, message in _PATTERNS:
        if match := re.search(pattern, text):
            return WireError(code, state, message.format(*match.groups()))
    if isinstance(cause, duckdb.TransactionException) or "onflict" in text and "ransaction" in text:
        return WireError(625, "57014", f"Statement was aborted: another transaction holds what it changes. {_line(text)}")
    if isinstance(cause, duckdb.ConversionException):
        return WireError(100038, "22018", _line(text))
    if isinstance(cause, duckdb.ConstraintException):
        return WireError(200001, "22000", _line(text))
    if isinstance(cause, duckdb.BinderException):
        return compilation(2043, "02000", _line(text))
    if isinstance(error, connector.Error):
        code = error.errno if error.errno and error.errno > 0 else 1003
        return WireError(code, error.sqlstate or "42000", text)
    if isinstance(error, duckdb.Error):
        return WireError(100000, "22000", _line(text))
    return unsupported(f"{type(error).__name__}: {_line(text)}")


def is_conflict(error: BaseException) -> bool:
    """Two transactions changed the same rows or the same catalogue entry: Snowflake would have queued the second."""
    cause = error.__cause__ if isinstance(error, connector.Error) and error.__cause__ else error
    return isinstance(cause, duckdb.Error) and re.search(r"(?i)conflict", str(cause)) is not None


def _text(error: BaseException) -> str:
    text = getattr(error, "raw_msg", None) or str(error)
    return re.sub(r"^\d{6} \(\w+\): (?:None: )?", "", text)


def _line(text: str) -> str:
    first = text.strip().split("\n")[0] if text.strip() else "no message"
    return re.sub(r"^(?:Binder|Catalog|Conversion|Constraint|Invalid Input|Parser|TransactionContext) Error: ", "", first)
