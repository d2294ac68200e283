"""Stages: where their files lie, LIST and REMOVE. CREATE STAGE is fakesnow's, without what only Snowflake needs of it."""
from __future__ import annotations

import os
import re
from typing import NamedTuple

import pyarrow as pa
from fakesnow.transforms import stage as fakesnow_stage

from engine import GLOBAL, Engine
from errors import WireError, compilation
from session import Session
from store import StageFile, list_local


class Stage(NamedTuple):
    database: str
    schema: str
    name: str
    url: str | None
    """None: an internal stage, files below the server's data directory."""


class Place(NamedTuple):
    stage: Stage
    path: str


_REFERENCE = re.compile(r"@(?P<stage>(?:\"[^\"]+\"|~|%?[\w$]+)(?:\.(?:\"[^\"]+\"|%?[\w$]+)){0,2})(?:/(?P<path>.*))?", re.S)


def place_of(reference: str, session: Session) -> Place:
    """`@[database.][schema.]stage[/path]`. Raises 002003 where there is no such stage."""
    match = _REFERENCE.fullmatch(reference.strip().strip("'"))
    if not match:
        raise compilation(1003, "42000", f"syntax error in stage reference '{reference}'.")
    if match["stage"].split(".")[-1][0] in "~%":
        raise compilation(2, "0A000", "Unsupported feature in the embedded warehouse: user and table stages.")
    try:
        database, schema, name = fakesnow_stage.parts_from_var(match["stage"], session.database, session.schema)
    except AssertionError as error:
        raise compilation(90106, "22000", str(error)) from None
    sql = f"SELECT url FROM {GLOBAL}._fs_information_schema._fs_stages WHERE database_name = ? AND schema_name = ? AND name = ?"
    row = session.connection.duckdb.execute(sql, [database, schema, name]).fetchone()
    if row is None:
        raise WireError(2003, "02000", f"SQL compilation error:\nStage '{database}.{schema}.{name}' does not exist or not authorized.")
    return Place(Stage(database, schema, name, row[0] or None), match["path"] or "")


def files_at(engine: Engine, place: Place) -> list[StageFile]:
    """Every file whose path begins with the place's, sorted."""
    stage, path = place
    if stage.url is None:
        root = fakesnow_stage.internal_dir(f"{stage.database}.{stage.schema}.{stage.name}")
        return list_local(root, os.path.normpath(path) if path.strip("/") else "")
    if not stage.url.startswith("s3://"):
        raise compilation(2, "0A000", f"Unsupported feature in the embedded warehouse: stages on {stage.url.split(':')[0]}.")
    return engine.s3().list(f"{stage.url.rstrip('/')}/{path}")


def shown_name(stage: Stage, file: StageFile) -> str:
    """As LIST and COPY show it: an external file by its address, an internal one below its stage's name."""
    return file.url if stage.url else f"{stage.name.lower()}/{file.name}"


def list_files(engine: Engine, place: Place, pattern: str | None) -> pa.Table:
    files = matching(files_at(engine, place), pattern)
    return pa.table(
        {
            "name": pa.array([shown_name(place.stage, file) for file in files], pa.string()),
            "size": pa.array([file.size for file in files], pa.int64()),
            # Only Snowflake's own listing knows it without reading every file.
            "md5": pa.array([None for _ in files], pa.string()),
            "last_modified": pa.array([file.modified.strftime("%a, %d %b %Y %H:%M:%S GMT") for file in files], pa.string()),
        }
    )


def remove_files(engine: Engine, place: Place, pattern: str | None) -> pa.Table:
    files = matching(files_at(engine, place), pattern)
    for file in files:
        if place.stage.url:
            engine.s3().delete(file)
        else:
            os.unlink(file.url)
    return pa.table(
        {
            "name": pa.array([shown_name(place.stage, file) for file in files], pa.string()),
            "result": pa.array(["removed" for _ in files], pa.string()),
        }
    )


def matching(files: list[StageFile], pattern: str | None) -> list[StageFile]:
    """PATTERN is matched against the whole path, as Snowflake does."""
    if pattern is None:
        return files
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise compilation(1008, "22023", f"invalid regular expression '{pattern}': {error}") from None
    return [file for file in files if expression.fullmatch(file.name)]
