"""fakesnow's engine on disk: every database a file that is there again after a restart, one file for what spans them."""
from __future__ import annotations

import glob
import os
import shutil
import threading

import duckdb
import fakesnow.transforms.stage as stages
from fakesnow import info_schema, macros
from fakesnow.transforms import show

from config import Config
from errors import WireError
from store import S3, attach

GLOBAL = "_fs_global"

_CREATE_KEYS = f"CREATE TABLE IF NOT EXISTS {GLOBAL}.main.user_keys (name VARCHAR PRIMARY KEY, public_key VARCHAR)"


class Engine:
    """One DuckDB instance; sessions work on cursors of it, each with its own transaction and temporary tables."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.data = config.data
        self._s3: S3 | None = None
        self._s3_lock = threading.Lock()
        stages.LOCAL_BUCKET_PATH = os.path.join(self.data, "stages")
        os.makedirs(stages.LOCAL_BUCKET_PATH, exist_ok=True)
        self.results = os.path.join(config.scratch, "results")
        temporary = os.path.join(config.scratch, "duckdb")
        for directory in (self.results, temporary):
            shutil.rmtree(directory, ignore_errors=True)
            os.makedirs(directory)
        self.connection = duckdb.connect(":memory:", config=self._options(temporary))
        self._attach_files()

    def _options(self, temporary: str) -> dict[str, object]:
        return {
            # sqlglot still writes x -> … lambdas.
            "lambda_syntax": "ENABLE_SINGLE_ARROW",
            "memory_limit": f"{self.config.memory_mib}MiB",
            "threads": self.config.threads,
            "temp_directory": temporary,
            # No extension is ever fetched, and a table name never means a variable of this program.
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
        }

    def _attach_files(self) -> None:
        run = self.connection.execute
        run(f"ATTACH '{self._quoted(GLOBAL + '.duckdb')}' AS {GLOBAL}")
        run(info_schema.fs_global_creation_sql())
        run(show.fs_global_creation_sql())
        run(_CREATE_KEYS)
        # For sessions without a database.
        run(macros.creation_sql("memory"))
        run("SET GLOBAL TimeZone = 'UTC'")
        for file in sorted(glob.glob(f"{glob.escape(self.data)}/*.db")):
            self.attach_database(os.path.basename(file)[:-3])

    def attach_database(self, name: str) -> None:
        """Opens or makes the file of a database, and what the dialect needs inside it."""
        quoted = name.replace('"', '""')
        self.connection.execute(f"ATTACH IF NOT EXISTS '{self._quoted(name + '.db')}' AS \"{quoted}\"")
        self.connection.execute(info_schema.per_db_creation_sql(f'"{quoted}"').replace(f"'\"{quoted}\"'", f"'{name}'"))
        self.connection.execute(macros.creation_sql(f'"{quoted}"'))

    def _quoted(self, file: str) -> str:
        return os.path.join(self.data, file).replace("'", "''")

    def databases(self) -> list[str]:
        sql = "SELECT database_name FROM duckdb_databases() WHERE NOT internal AND path IS NOT NULL ORDER BY 1"
        return [name for (name,) in self.connection.cursor().execute(sql).fetchall() if name != GLOBAL]

    def s3(self) -> S3:
        """Loaded with the first statement that needs it."""
        if self.config.store is None:
            raise WireError(91003, "22000", "This embedded warehouse was started without an object store.")
        with self._s3_lock:
            if self._s3 is None:
                self._s3 = S3(self.config.store)
                attach(self.connection, self._s3)
            return self._s3

    def close(self) -> None:
        """Everything acknowledged is in the write-ahead logs already; this only folds them into the files."""
        for name in [*self.databases(), GLOBAL]:
            try:
                self.connection.execute(f'CHECKPOINT "{name}"')
            except duckdb.Error:
                pass
        self.connection.close()
