"""COPY INTO a table from a stage: Parquet and CSV, with ON_ERROR, INCLUDE_METADATA, PATTERN, FILES, FORCE and PURGE.

One INSERT … SELECT a file. Whether a file was loaded before is remembered as in Snowflake, by table and file, and survives a
DELETE of its rows: FORCE = TRUE loads it again.
"""
from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
from fakesnow.transforms.file_format import lookup_file_format
from fakesnow.transforms.options import parse_options
from sqlglot import exp

from copy_rows import CsvFormat, Rows, csv_rows, json_rows, parquet_rows
from engine import Engine
from errors import WireError, compilation, explain, no_object, unsupported
from names import Name, resolve, target_of, text_of
from session import Session
from stages import Place, Stage, StageFile, files_at, matching, place_of, shown_name


class Options(NamedTuple):
    format: dict[str, Any]
    on_error: str
    match_columns: bool
    metadata: dict[str, str]
    """Target column → METADATA$… name."""
    pattern: str | None
    files: list[str] | None
    force: bool
    purge: bool


class Loaded(NamedTuple):
    file: str
    status: str
    parsed: int
    loaded: int
    errors: int
    first_error: str | None
    first_error_column: str | None


def copy_into(engine: Engine, session: Session, statement: exp.Copy) -> pa.Table:
    """Carries it out inside the session's transaction, or one of its own. Returns Snowflake's result rows."""
    table = target_of(statement)
    source = (statement.args.get("files") or [None])[0]
    if table is None or not isinstance(source, exp.Table | exp.Literal) or not isinstance(source.this, exp.Var | str):
        raise unsupported("COPY INTO a location (unload) and COPY from a query; load whole files")
    name = resolve(table, session.database, session.schema)
    place = place_of(source.this if isinstance(source.this, str) else source.this.name, session)
    options = _options(statement, session)
    files = matching(_chosen(files_at(engine, place), options, place), options.pattern)
    columns = _columns(session, name)
    if isinstance(statement.this, exp.Schema):
        wanted = [text_of(each) for each in statement.this.expressions]
        columns = {each: columns[each] for each in wanted if each in columns}
    if not files:
        return pa.table({"status": ["Copy executed with 0 files processed."]})
    own = not session.in_transaction
    run = session.connection.duckdb
    if own:
        run.execute("BEGIN")
    try:
        loaded = [_load(engine, session, name, columns, place.stage, file, options) for file in files]
        if own:
            run.execute("COMMIT")
    except Exception:
        if own:
            run.execute("ROLLBACK")
        raise
    if options.purge:
        _purge(engine, place, [file for file, result in zip(files, loaded, strict=True) if result.status == "LOADED"])
    return _result(loaded)


def _chosen(files: list[StageFile], options: Options, place: Place) -> list[StageFile]:
    if options.files is None:
        return files
    wanted = {f"{place.path}{each}" for each in options.files}
    chosen = [file for file in files if any(file.name.endswith(each) for each in wanted)]
    if len(chosen) < len(wanted):
        raise WireError(100016, "22000", f"Remote file '{sorted(wanted)[0]}' was not found among {len(files)} files.")
    return chosen


def _load(engine: Engine, session: Session, name: Name, columns: dict[str, str], stage: Stage, file: StageFile, options: Options) -> Loaded:
    shown, run = shown_name(stage, file), session.connection.duckdb
    history = f'"{name.database}"._fs_information_schema._fs_load_history'
    seen = run.execute(f"SELECT 1 FROM {history} WHERE FILE_NAME = ? AND TABLE_NAME = ? AND SCHEMA_NAME = ?", [file.url, name.name, name.schema])
    if seen.fetchone() and not options.force:
        return Loaded(shown, "LOAD_SKIPPED", 0, 0, 1, "File was loaded before.", None)
    try:
        rows = _rows(session, columns, file, options)
        result = _insert(session, name, rows, shown, options)
    except (duckdb.Error, WireError) as error:
        wire = explain(error)
        message = f"{wire.message}\n  File '{shown}'"
        if options.on_error == "ABORT_STATEMENT":
            raise WireError(wire.code, wire.state, message) from error
        if session.connection.duckdb and not _alive(session):
            raise WireError(wire.code, wire.state, f"{message}\n  Could not be skipped: DuckDB ended the transaction.") from error
        return Loaded(shown, "LOAD_FAILED", 0, 0, 1, wire.message, None)
    if result.status != "LOAD_FAILED":
        values = [name.schema, file.url, name.name, datetime.now(timezone.utc), result.status, result.loaded, result.parsed,
                  result.first_error, None, None, result.first_error_column, result.errors, 1]  # fmt: skip
        run.execute(f"INSERT INTO {history} VALUES ({', '.join('?' * len(values))})", values)
    return result


def _rows(session: Session, columns: dict[str, str], file: StageFile, options: Options) -> Rows:
    kind = str(options.format.get("TYPE", "CSV")).upper()
    lenient = options.on_error != "ABORT_STATEMENT"
    if kind == "PARQUET":
        return parquet_rows(session.connection.duckdb, columns, file, options.match_columns, options.metadata)
    if kind == "CSV":
        return csv_rows(session.connection.duckdb, columns, file, CsvFormat.of(options.format), lenient, options.metadata)
    if kind == "JSON":
        return json_rows(columns, file, options.metadata)
    raise unsupported(f"COPY of {kind} files")


def _insert(session: Session, name: Name, rows: Rows, shown: str, options: Options) -> Loaded:
    """ABORT_STATEMENT runs the insert alone; the others first count the rows that would fail, since DuckDB ends a transaction with any error."""
    run = session.connection.duckdb
    target = ".".join('"' + part.replace('"', '""') + '"' for part in session.physical(name))
    into = f"INSERT INTO {target} ({', '.join(rows.targets)})"
    if options.on_error == "ABORT_STATEMENT":
        count = run.execute(f"{into} SELECT {', '.join(rows.values)} FROM {rows.source}").fetchall()[0][0]
        return Loaded(shown, "LOADED", count, count, 0, None, None)
    check = f"SELECT count(*), count(*) FILTER (WHERE {rows.bad}), min({rows.complaint}) FILTER (WHERE {rows.bad}) FROM {rows.source}"
    with run.cursor() as separate:
        parsed, bad, complaint = separate.execute(check).fetchall()[0]
        rejected = separate.execute(rows.rejects).fetchall()[0][0] if rows.rejects else 0
    errors, parsed = bad + rejected, parsed + rejected
    column, _, message = (complaint or "\0Row does not have the table's columns").partition("\0")
    first = (message, column or None) if errors else (None, None)
    if errors and options.on_error.startswith("SKIP_FILE") and _too_many(options.on_error, errors, parsed):
        return Loaded(shown, "LOAD_FAILED", parsed, 0, errors, *first)
    kept = run.execute(f"{into} SELECT {', '.join(rows.tried)} FROM {rows.source} WHERE NOT ({rows.bad})").fetchall()[0][0]
    status = "LOADED" if not errors else "PARTIALLY_LOADED" if kept else "LOAD_FAILED"
    return Loaded(shown, status, parsed, kept, errors, *first)


def _too_many(on_error: str, errors: int, parsed: int) -> bool:
    limit = on_error.removeprefix("SKIP_FILE").lstrip("_")
    if limit.endswith("%"):
        return errors * 100 > parsed * float(limit[:-1])
    return errors >= int(limit or 1)


def _alive(session: Session) -> bool:
    try:
        session.connection.duckdb.execute("SELECT 1").fetchall()
        return True
    except duckdb.TransactionException:
        return False


def _options(statement: exp.Copy, session: Session) -> Options:
    found: dict[str, Any] = {}
    for parameter in statement.args.get("params") or []:
        key, value = parameter.this.name.upper(), parameter.args.get("expression")
        if key == "FILE_FORMAT":
            found[key] = parse_options(parameter.expressions)
        elif key == "FILES":
            found[key] = [each.name for each in parameter.find_all(exp.Literal)]
        elif key == "INCLUDE_METADATA":
            found[key] = {text_of(each.left.this): text_of(each.right.this) for each in parameter.find_all(exp.EQ)}
        elif key in ("ON_ERROR", "MATCH_BY_COLUMN_NAME", "PATTERN", "FORCE", "PURGE"):
            found[key] = value.this if isinstance(value, exp.Boolean) else value.name if value is not None else ""
        elif key not in ("SIZE_LIMIT", "RETURN_FAILED_ONLY", "ENFORCE_LENGTH", "TRUNCATECOLUMNS", "LOAD_MODE"):
            raise compilation(1003, "42000", f"invalid parameter '{key}'")
    file_format = found.get("FILE_FORMAT", {})
    if named := file_format.pop("FORMAT_NAME", None):
        file_format = {**lookup_file_format(session.connection.duckdb, str(named), session.database, session.schema), **file_format}
    on_error = str(found.get("ON_ERROR", "ABORT_STATEMENT")).upper()
    if on_error not in ("ABORT_STATEMENT", "CONTINUE") and not on_error.startswith("SKIP_FILE"):
        raise compilation(1008, "22023", f"Invalid value '{on_error}' for parameter ON_ERROR")
    match = str(found.get("MATCH_BY_COLUMN_NAME", "NONE")).upper()
    if match not in ("NONE", "CASE_SENSITIVE", "CASE_INSENSITIVE"):
        raise compilation(1008, "22023", f"Invalid value '{match}' for parameter MATCH_BY_COLUMN_NAME")
    metadata = found.get("INCLUDE_METADATA", {})
    if metadata and match == "NONE":
        raise compilation(1019, "42601", "INCLUDE_METADATA needs MATCH_BY_COLUMN_NAME")
    return Options(
        file_format, on_error, match != "NONE", metadata, found.get("PATTERN"), found.get("FILES"),
        found.get("FORCE") is True, found.get("PURGE") is True,
    )  # fmt: skip


def _columns(session: Session, name: Name) -> dict[str, str]:
    """Column → DuckDB type, with " NOT NULL" where it is so; in order."""
    sql = ("SELECT column_name, data_type, is_nullable FROM duckdb_columns() "
           "WHERE database_name = ? AND schema_name = ? AND table_name = ? ORDER BY column_index")  # fmt: skip
    rows = session.connection.duckdb.execute(sql, list(session.physical(name))).fetchall()
    if not rows:
        raise no_object(str(name), "Table")
    return {column: kind if nullable else f"{kind} NOT NULL" for column, kind, nullable in rows}


def _purge(engine: Engine, place: Place, files: list[StageFile]) -> None:
    import os

    for file in files:
        if place.stage.url:
            engine.s3().delete(file)
        else:
            os.unlink(file.url)


def _result(loaded: list[Loaded]) -> pa.Table:
    text, number = pa.string(), pa.int64()
    count = len(loaded)
    return pa.table(
        {
            "file": pa.array([each.file for each in loaded], text),
            "status": pa.array([each.status for each in loaded], text),
            "rows_parsed": pa.array([each.parsed for each in loaded], number),
            "rows_loaded": pa.array([each.loaded for each in loaded], number),
            "error_limit": pa.array([None if each.status == "LOAD_SKIPPED" else 1 for each in loaded], number),
            "errors_seen": pa.array([each.errors for each in loaded], number),
            "first_error": pa.array([each.first_error for each in loaded], text),
            # DuckDB does not tell where in a file a value stood.
            "first_error_line": pa.nulls(count, number),
            "first_error_character": pa.nulls(count, number),
            "first_error_column_name": pa.array([each.first_error_column for each in loaded], text),
        }
    )
