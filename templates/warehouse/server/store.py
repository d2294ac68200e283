"""Files of stages: an S3 object store through Arrow's own client (DuckDB's httpfs is not on PyPI), or a local directory."""
from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from datetime import datetime, timezone

import duckdb
import pyarrow as pa

from config import ObjectStore


@dataclass(frozen=True)
class StageFile:
    """`url` is what DuckDB reads; `name` is what Snowflake's METADATA$FILENAME shows: the path without the bucket."""

    url: str
    name: str
    size: int
    modified: datetime


class PositionedFile:
    """A file that several of DuckDB's threads read at once, each where it has sought to.

    DuckDB calls seek, then read; Arrow lets other threads in between, and with one position for all a thread would get another's bytes.
    """

    def __init__(self, file: pa.NativeFile) -> None:
        self._file = file
        self._size = file.size()
        self._own = threading.local()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._size}[whence]
        self._own.position = base + offset
        return self._own.position

    def tell(self) -> int:
        return getattr(self._own, "position", 0)

    def read(self, count: int = -1) -> bytes:
        position = self.tell()
        wanted = max(0, self._size - position) if count < 0 else count
        data = self._file.read_at(wanted, position)
        self._own.position = position + len(data)
        return data

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()


class S3:
    """Stages on s3://; None of it is loaded before the first use, Arrow's S3 client alone takes half a second."""

    def __init__(self, store: ObjectStore) -> None:
        import pyarrow.fs as arrow_fs
        from fsspec.implementations.arrow import ArrowFSWrapper

        class ArrowS3(ArrowFSWrapper):
            protocol = "s3"

            def _open(self, path: str, mode: str = "rb", **_: object) -> PositionedFile:
                if mode != "rb":
                    raise ValueError(f"{path} is only read here, not opened as {mode}")
                return PositionedFile(self.fs.open_input_file(self._strip_protocol(path)))

        scheme, _, host = store.endpoint.partition("://")
        self._fs = arrow_fs.S3FileSystem(
            access_key=store.access_key,
            secret_key=store.secret_key,
            endpoint_override=host,
            scheme=scheme,
            region=store.region,
            connect_timeout=10,
            request_timeout=60,
        )
        self._selector = arrow_fs.FileSelector
        self._file = arrow_fs.FileType.File
        self.for_duckdb = ArrowS3(self._fs, skip_instance_cache=True)

    def list(self, url: str) -> list[StageFile]:
        """Every object whose key begins with the address, as Snowflake matches a stage's path; sorted."""
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        base = prefix.rpartition("/")[0]
        infos = self._fs.get_file_info(self._selector(f"{bucket}/{base}", allow_not_found=True, recursive=True))
        files = [
            StageFile(f"s3://{info.path}", info.path.partition("/")[2], info.size, info.mtime)
            for info in infos
            if info.type == self._file and info.path.partition("/")[2].startswith(prefix)
        ]
        return sorted(files, key=lambda file: file.url)

    def delete(self, file: StageFile) -> None:
        self._fs.delete_file(file.url.removeprefix("s3://"))


def attach(connection: duckdb.DuckDBPyConnection, s3: S3) -> None:
    connection.register_filesystem(s3.for_duckdb)


def list_local(root: str, path: str) -> list[StageFile]:
    """Files of an internal stage below `root` whose path begins with `path`."""
    found = []
    for directory, _, names in os.walk(root):
        for name in names:
            full = os.path.join(directory, name)
            relative = os.path.relpath(full, root)
            if relative.startswith(path):
                stat = os.stat(full)
                found.append(StageFile(full, relative, stat.st_size, datetime.fromtimestamp(stat.st_mtime, timezone.utc)))
    return sorted(found, key=lambda file: file.url)
