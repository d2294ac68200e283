"""Results on the wire: Snowflake's row types, JSON row sets for the JavaScript client, Arrow streams for the others.

A result of more than a few thousand rows goes in chunks, rendered when they are fetched. Results that do not fit beside the
budget lie in a file that is already unlinked: it takes no memory, and its disk space is free once nobody holds the result.
"""
from __future__ import annotations

import json
import os
import re
import threading
import uuid
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from fakesnow.arrow import to_ipc, to_sf

IN_MEMORY_ROWS = 20_000
FIRST_ROWS = 2000
CHUNK_ROWS = 10_000
KEPT_RESULTS = 48

_TYPES = {
    "BIGINT": "fixed", "HUGEINT": "fixed", "INTEGER": "fixed", "SMALLINT": "fixed", "TINYINT": "fixed",
    "UBIGINT": "fixed", "UHUGEINT": "fixed", "UINTEGER": "fixed", "USMALLINT": "fixed", "UTINYINT": "fixed", "DOUBLE": "real",
    "FLOAT": "real", "BLOB": "binary", "BOOLEAN": "boolean", "DATE": "date", "JSON": "variant", "TIME": "time",
    "TIMESTAMP WITH TIME ZONE": "timestamp_tz", "TIMESTAMP": "timestamp_ntz", "TIMESTAMP_NS": "timestamp_ntz",
    "TIMESTAMP_MS": "timestamp_ntz", "TIMESTAMP_S": "timestamp_ntz",
}  # fmt: skip


class Spill:
    """Rows behind the first ones, in a file that is unlinked already and read batch by batch."""

    def __init__(self, path: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
        self.counts: list[int] = []
        try:
            with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
                for batch in batches:
                    writer.write_batch(batch)
                    self.counts.append(batch.num_rows)
            self._file = pa.OSFile(path, "rb")
        finally:
            if os.path.exists(path):
                os.unlink(path)
        self._reader = pa.ipc.open_file(self._file)
        self._lock = threading.Lock()

    def batch(self, index: int) -> pa.Table:
        with self._lock:
            return pa.Table.from_batches([self._reader.get_batch(index)])


def read_result(reader: pa.RecordBatchReader, directory: str) -> tuple[pa.Table, Spill | None]:
    """The first rows, and what follows them where there are too many for memory."""
    batches, rows = [], 0
    for batch in reader:
        batches.append(batch)
        rows += batch.num_rows
        if rows > IN_MEMORY_ROWS:
            spill = Spill(os.path.join(directory, f"{uuid.uuid4().hex}.arrow"), reader.schema, reader)
            return pa.Table.from_batches(batches, schema=reader.schema), spill
    return pa.Table.from_batches(batches, schema=reader.schema), None


def row_type(columns: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Snowflake's description of columns, from DuckDB's (name, type) pairs."""
    return [_column(name, kind) for name, kind in columns]


def _column(name: str, kind: str) -> dict[str, Any]:
    decimal = re.fullmatch(r"DECIMAL\((\d+),\s?(\d+)\)", kind)
    wire = "fixed" if decimal else "array" if kind.endswith("]") else _TYPES.get(kind)
    if wire is None:
        wire = "object" if kind.startswith(("STRUCT", "MAP")) else "text"
    column: dict[str, Any] = {
        "name": name, "database": "", "schema": "", "table": "", "nullable": True, "type": wire, "byteLength": None,
        "length": None, "scale": None, "precision": None, "collation": None,
    }  # fmt: skip
    if wire == "fixed":
        column |= {"precision": int(decimal[1]) if decimal else 38, "scale": int(decimal[2]) if decimal else 0}
    elif wire == "text":
        column |= {"byteLength": 16777216, "length": 16777216}
    elif wire.startswith("time"):
        column |= {"precision": 0, "scale": 9}
    elif wire == "binary":
        column |= {"byteLength": 8388608, "length": 8388608}
    return column


Part = Callable[[], pa.Table]


class Chunks:
    """What remains of the latest results, to be rendered when it is fetched."""

    def __init__(self) -> None:
        self._results: OrderedDict[str, tuple[list[Part], list[dict[str, Any]], bool]] = OrderedDict()
        self._lock = threading.Lock()
        # One at a time: clients fetch several at once, and each is tens of megabytes on its way to text.
        self._rendering = threading.Lock()

    def keep(self, query: str, parts: list[Part], columns: list[dict[str, Any]], as_json: bool) -> None:
        with self._lock:
            self._results[query] = (parts, columns, as_json)
            while len(self._results) > KEPT_RESULTS:
                self._results.popitem(last=False)

    def render(self, query: str, index: int) -> bytes | None:
        with self._lock:
            parts, columns, as_json = self._results.get(query, ([], [], False))
        if index >= len(parts):
            return None
        with self._rendering:
            table = parts[index]()
            if as_json:
                # The client puts the brackets round it.
                return json.dumps(json_rows(table, columns), separators=(",", ":"), ensure_ascii=False)[1:-1].encode()
            return to_ipc(to_sf(_plain(table), columns)).to_pybytes()


def encode(
    table: pa.Table, spill: Spill | None, columns: list[dict[str, Any]], query: str, as_json: bool, chunks: Chunks, base: str
) -> dict[str, Any]:
    """The part of an answer that holds the rows; chunk addresses are below `base`."""
    first = table.slice(0, FIRST_ROWS)
    parts: list[tuple[int, Part]] = []
    for offset in range(first.num_rows, table.num_rows, CHUNK_ROWS):
        part = table.slice(offset, CHUNK_ROWS)
        parts.append((part.num_rows, lambda part=part: part))
    for index, rows in enumerate(spill.counts if spill else []):
        parts.append((rows, lambda index=index: spill.batch(index)))
    total = first.num_rows + sum(rows for rows, _ in parts)
    answer: dict[str, Any] = {"total": total, "returned": total}
    if as_json:
        answer |= {"queryResultFormat": "json", "rowset": json_rows(first, columns)}
    else:
        stream = to_ipc(to_sf(_plain(first), columns))
        answer |= {"queryResultFormat": "arrow", "rowsetBase64": b64encode(stream).decode()}
    if parts:
        chunks.keep(query, [part for _, part in parts], columns, as_json)
        # Nobody knows the sizes before; clients only plan with them.
        width = max(1, table.nbytes // max(1, table.num_rows))
        answer["chunks"] = [
            {"url": f"{base}/chunks/{query}/{index}", "rowCount": rows, "uncompressedSize": rows * width, "compressedSize": rows * width}
            for index, (rows, _) in enumerate(parts)
        ]
        answer["chunkHeaders"] = {}
    return answer


def json_rows(table: pa.Table, columns: list[dict[str, Any]]) -> list[list[str | None]]:
    """Rows as Snowflake's JSON format has them: everything text, or null."""
    if table.num_columns == 0:
        return []
    texts = [_texts(table.column(index)) for index in range(len(columns))]
    return [list(row) for row in zip(*texts, strict=True)]


def _texts(column: pa.ChunkedArray) -> list[str | None]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if isinstance(kind, pa.BaseExtensionType):
        column, kind = column.cast(kind.storage_type), kind.storage_type
    if pa.types.is_null(kind):
        return [None] * len(column)
    if pa.types.is_date(kind):
        return column.cast(pa.date32()).cast(pa.int32()).cast(pa.string()).to_pylist()
    if pa.types.is_timestamp(kind):
        return _instants(column, kind)
    if pa.types.is_time(kind):
        micros = column.cast(pa.time64("us")).cast(pa.int64()).to_pylist()
        return [None if each is None else f"{each // 10**6}.{each % 10**6:06d}000" for each in micros]
    if pa.types.is_boolean(kind):
        return [None if each is None else ("1" if each else "0") for each in column.to_pylist()]
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return [None if each is None else each.hex().upper() for each in column.to_pylist()]
    if pa.types.is_floating(kind):
        return [None if each is None else repr(each) for each in column.to_pylist()]
    if pa.types.is_nested(kind):
        return [None if each is None else json.dumps(each, default=str) for each in column.to_pylist()]
    if pa.types.is_decimal(kind):
        return [None if each is None else f"{each:f}" for each in column.to_pylist()]
    return column.cast(pa.string()).to_pylist()


def _instants(column: pa.ChunkedArray, kind: pa.TimestampType) -> list[str | None]:
    """Seconds with nine digits behind the point; with a zone the offset follows, in minutes from -1440 on: 1440 is UTC."""
    unit, digits = (10**9, 9) if kind.unit == "ns" else (10**6, 6)
    numbers = column.cast(pa.timestamp("ns" if digits == 9 else "us", tz=kind.tz)).cast(pa.int64()).to_pylist()
    suffix, padding = (" 1440" if kind.tz else ""), "0" * (9 - digits)
    return [None if each is None else f"{each // unit}.{each % unit:0{digits}d}{padding}{suffix}" for each in numbers]


def _instant_structs(column: pa.ChunkedArray, kind: pa.TimestampType) -> pa.ChunkedArray:
    """Seconds and nanoseconds apart, and with a zone the offset, as above. fakesnow's own has no NULLs."""
    whole = column.combine_chunks()
    nanos = whole.cast(pa.timestamp("us" if kind.unit != "ns" else "ns", tz=kind.tz)).cast(pa.int64())
    unit = 10**9 if kind.unit == "ns" else 10**6
    instants = pc.fill_null(nanos, 0)
    # Arrow divides towards zero; the fraction is never negative.
    truncated = pc.divide(instants, unit)
    below = pc.less(pc.subtract(instants, pc.multiply(truncated, unit)), 0)
    seconds = pc.if_else(below, pc.subtract(truncated, 1), truncated)
    fraction = pc.multiply(pc.subtract(instants, pc.multiply(seconds, unit)), 10**9 // unit).cast(pa.int32())
    parts = {"epoch": seconds, "fraction": fraction}
    if kind.tz:
        parts["timezone"] = pa.array([1440] * len(whole), pa.int32())
    return pa.chunked_array([pa.StructArray.from_arrays(list(parts.values()), names=list(parts), mask=whole.is_null())])


def _plain(table: pa.Table) -> pa.Table:
    """Columns in the few Arrow types that Snowflake's clients read."""
    columns = [_plain_column(column) for column in table.columns]
    return pa.Table.from_arrays(columns, names=table.column_names)


def _plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return column.cast(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type)
    if pa.types.is_uint64(kind):
        return column.cast(pa.decimal128(20, 0))
    if pa.types.is_integer(kind) and kind.bit_width < 64:
        return column.cast(pa.int64())
    if pa.types.is_float32(kind):
        return column.cast(pa.float64())
    if pa.types.is_timestamp(kind):
        return _instant_structs(column, kind)
    if pa.types.is_nested(kind):
        texts = [None if each is None else json.dumps(each, default=str) for each in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    return column
