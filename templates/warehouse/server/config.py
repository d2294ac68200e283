"""Settings of the server: one JSON file, written by `up`; secrets come by environment and are named in the file."""
from __future__ import annotations

import json
import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Role:
    """Patterns (fnmatch) on "DATABASE.SCHEMA"; `write` implies reading."""

    name: str
    admin: bool = False
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()


@dataclass(frozen=True)
class User:
    name: str
    role: str
    password: str


@dataclass(frozen=True)
class ObjectStore:
    """Where stages with an s3:// address are read from."""

    endpoint: str
    region: str
    access_key: str
    secret_key: str


@dataclass(frozen=True)
class Config:
    host: str
    """Where something in front decides who may connect, any address; else loopback only."""
    any_address: bool
    port: int
    """Database files, the files of internal stages."""
    data: str
    """Spilled results and DuckDB's temporary files; emptied at every start."""
    scratch: str
    """DuckDB's limit; the process needs about 190 MiB beside it."""
    memory_mib: int
    threads: int
    database: str
    users: dict[str, User]
    roles: dict[str, Role]
    store: ObjectStore | None = None


def read_config(path: str) -> Config:
    """Raises KeyError with the variable's or the key's name where something is missing."""
    with open(path, encoding="utf-8") as file:
        raw = json.load(file)
    roles = {
        name: Role(name, bool(role.get("admin")), tuple(role.get("read", ())), tuple(role.get("write", ())))
        for name, role in raw["roles"].items()
    }
    users = {
        user["name"]: User(user["name"], user["role"], os.environ[user["passwordVariable"]]) for user in raw["users"]
    }
    store = None
    if s3 := raw.get("s3"):
        store = ObjectStore(
            s3["endpoint"], s3["region"], os.environ[s3["accessKeyVariable"]], os.environ[s3["secretKeyVariable"]]
        )
    return Config(
        host=raw["host"],
        any_address=raw.get("anyAddress", False),
        port=raw["port"],
        data=raw["data"],
        scratch=raw["scratch"],
        memory_mib=raw["memoryMiB"],
        threads=raw.get("threads", 2),
        database=raw["database"],
        users=users,
        roles=roles,
        store=store,
    )
