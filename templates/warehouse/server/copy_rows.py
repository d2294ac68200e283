"""What COPY reads out of one file, as parts of a DuckDB statement: the source, the columns, and which rows are bad."""
from __future__ import annotations

from dataclasses import dataclass
from glob import escape
from typing import Any, NamedTuple

import duckdb

from errors import compilation, unsupported
from store import StageFile


class Rows(NamedTuple):
    source: str
    targets: list[str]
    """Quoted names of the table's columns that get a value."""
    values: list[str]
    """Their values; a value that does not fit ends the statement."""
    tried: list[str]
    """Their values, NULL where one does not fit."""
    bad: str
    """Condition of a row that cannot be loaded."""
    complaint: str
    """Of a bad row: column, NUL, message."""
    rejects: str | None = None
    """Counts the lines that are no row at all."""


def parquet_rows(
    run: duckdb.DuckDBPyConnection, columns: dict[str, str], file: StageFile, match: bool, metadata: dict[str, str]
) -> Rows:
    source = f"read_parquet({_literal(escape(file.url) if '://' not in file.url else file.url)}, file_row_number = true)"
    if not match:
        if len(columns) == 1 and next(iter(columns.values())).startswith("JSON"):
            return json_source(columns, f"(SELECT to_json(t) AS value FROM {source} t)", file, metadata)
        raise compilation(2019, "0A000", "PARQUET file format can produce one and only one column of type variant, object, or array. "
                          "Load data into separate columns using the MATCH_BY_COLUMN_NAME copy option or copy with transformation.")  # fmt: skip
    with run.cursor() as separate:
        described = separate.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    inside = {name.upper(): name for name, *_ in described if name != "file_row_number"}
    taken = {column: _quote(inside[column.upper()]) for column in columns if column.upper() in inside}
    return _rows(source, columns, taken, file, metadata)


@dataclass(frozen=True)
class CsvFormat:
    delimiter: str = ","
    quote: str = ""
    skip: int = 0
    nulls: tuple[str, ...] = ("\\N",)
    empty_is_null: bool = True
    compression: str = "auto"

    @staticmethod
    def of(options: dict[str, Any]) -> CsvFormat:
        """From FILE_FORMAT's options. Raises 000002 for one that changes the meaning and is not known."""
        ignored = {"TYPE", "ENCODING", "RECORD_DELIMITER", "TRIM_SPACE", "ERROR_ON_COLUMN_COUNT_MISMATCH", "FILE_EXTENSION", "COMMENT"}
        known = {"FIELD_DELIMITER", "FIELD_OPTIONALLY_ENCLOSED_BY", "SKIP_HEADER", "NULL_IF", "EMPTY_FIELD_AS_NULL", "COMPRESSION", "ESCAPE_UNENCLOSED_FIELD"}
        if unknown := sorted(set(options) - ignored - known):
            raise unsupported(f"FILE_FORMAT option {unknown[0]}")
        quote = str(options.get("FIELD_OPTIONALLY_ENCLOSED_BY", "NONE"))
        nulls = options.get("NULL_IF", ["\\N"])
        compression = str(options.get("COMPRESSION", "AUTO")).lower()
        return CsvFormat(
            delimiter=str(options.get("FIELD_DELIMITER", ",")).replace("\\t", "\t"),
            quote="" if quote.upper() == "NONE" else quote,
            skip=int(options.get("SKIP_HEADER", 0)),
            nulls=tuple(str(each) for each in (nulls if isinstance(nulls, list) else [nulls])),
            empty_is_null=bool(options.get("EMPTY_FIELD_AS_NULL", True)),
            compression="auto" if compression.startswith("auto") else compression,
        )


def csv_rows(
    run: duckdb.DuckDBPyConnection, columns: dict[str, str], file: StageFile, csv: CsvFormat, lenient: bool, metadata: dict[str, str]
) -> Rows:
    fields = {column: f"column{index}" for index, column in enumerate(columns)}
    layout = ", ".join(f"'{field}': 'VARCHAR'" for field in fields.values())
    nulls = [*csv.nulls, *([""] if csv.empty_is_null and "" not in csv.nulls else [])]
    options = [
        f"columns = {{{layout}}}", "header = false", "auto_detect = false", f"delim = {_literal(csv.delimiter)}",
        f"quote = {_literal(csv.quote)}", f"escape = {_literal(csv.quote)}", f"skip = {csv.skip}",
        f"nullstr = [{', '.join(map(_literal, nulls))}]", f"compression = '{csv.compression}'",
    ]  # fmt: skip
    rejects = None
    if lenient:
        options.append("ignore_errors = true")
        lines = f"read_csv({_literal(_path(file))}, {', '.join([*_whole_lines(csv)])})"
        strict = f"read_csv({_literal(_path(file))}, {', '.join(options)})"
        rejects = f"SELECT (SELECT count(*) FROM {lines}) - (SELECT count(*) FROM {strict})" if not csv.quote else None
    source = f"read_csv({_literal(_path(file))}, {', '.join(options)})"
    taken = {column: _quote(field) for column, field in fields.items() if column not in metadata}
    return _rows(source, columns, taken, file, metadata)._replace(rejects=rejects)


def _whole_lines(csv: CsvFormat) -> list[str]:
    """Options that read a file line by line: a delimiter that no text has."""
    return ["columns = {'line': 'VARCHAR'}", "header = false", "auto_detect = false", "delim = '\\x01'", "quote = ''",
            "escape = ''", f"skip = {csv.skip}", f"compression = '{csv.compression}'", "ignore_errors = true"]  # fmt: skip


def json_rows(columns: dict[str, str], file: StageFile, metadata: dict[str, str]) -> Rows:
    """Newline-delimited JSON, every value a row: into one VARIANT column, or into columns by name."""
    source = f"(SELECT json AS value FROM read_json_objects({_literal(_path(file))}))"
    if len(columns) == 1 and next(iter(columns.values())).startswith("JSON"):
        return json_source(columns, source, file, metadata)
    raise unsupported("COPY of JSON into several columns; use one VARIANT column")


def json_source(columns: dict[str, str], source: str, file: StageFile, metadata: dict[str, str]) -> Rows:
    return _rows(source, columns, {next(iter(columns)): "value"}, file, metadata)


def _rows(source: str, columns: dict[str, str], taken: dict[str, str], file: StageFile, metadata: dict[str, str]) -> Rows:
    given = {column: value for column, value in taken.items() if column not in metadata}
    given |= {column: _metadata(name, file) for column, name in metadata.items() if column in columns}
    if not given:
        raise compilation(2, "0A000", f"No column of {file.name} has the name of a column of the table.")
    tried, bad, complaints = [], [], []
    for column, value in given.items():
        kind = columns[column].removesuffix(" NOT NULL")
        attempt = f"TRY_CAST({value} AS {kind})"
        tried.append(attempt)
        wrong = f"({value} IS NOT NULL AND {attempt} IS NULL)"
        bad.append(wrong)
        message = f"{_literal(column)} || chr(0) || {_literal(kind)} || ' value ''' || ({value})::VARCHAR || ''' is not recognized'"
        complaints.append(f"WHEN {wrong} THEN {message}")
        if columns[column].endswith(" NOT NULL"):
            bad.append(f"({value} IS NULL)")
            complaints.append(f"WHEN {value} IS NULL THEN {_literal(column)} || chr(0) || 'NULL result in a non-nullable column'")
    for column, kind in columns.items():
        if kind.endswith(" NOT NULL") and column not in given:
            bad.append("true")
            complaints.append(f"WHEN true THEN {_literal(column)} || chr(0) || 'NULL result in a non-nullable column'")
    return Rows(source, [_quote(column) for column in given], list(given.values()), tried, " OR ".join(bad), f"CASE {' '.join(complaints)} END")


def _metadata(name: str, file: StageFile) -> str:
    """A METADATA$… column of Snowflake."""
    if name == "METADATA$FILENAME":
        return _literal(file.name)
    if name == "METADATA$START_SCAN_TIME":
        return "now()::TIMESTAMP"
    if name == "METADATA$FILE_LAST_MODIFIED":
        return f"{_literal(file.modified.strftime('%Y-%m-%d %H:%M:%S.%f'))}::TIMESTAMP"
    if name == "METADATA$FILE_ROW_NUMBER":
        return "file_row_number + 1"
    raise unsupported(f"INCLUDE_METADATA of {name}")


def _path(file: StageFile) -> str:
    return file.url if "://" in file.url else escape(file.url)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
