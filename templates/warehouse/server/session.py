"""Sessions: who, with which role, in which transaction, with which temporary tables; and the locks that order writers."""
from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field

from config import Role, User
from cursor import Connection
from engine import Engine
from errors import WireError
from names import Name

IDLE_SECONDS = 4 * 3600
LOCK_SECONDS = 120


class Locks:
    """One writer a table at a time for UPDATE, DELETE, MERGE and TRUNCATE, as in Snowflake: the next one waits."""

    def __init__(self) -> None:
        self._owners: dict[Name, Session] = {}
        self._changed = threading.Condition()

    def take(self, name: Name, session: Session, seconds: float = LOCK_SECONDS) -> None:
        """Raises 000625 after `seconds`, which also ends a deadlock."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while self._owners.get(name, session) is not session:
                if not self._changed.wait(deadline - time.monotonic()) and time.monotonic() >= deadline:
                    raise WireError(625, "57014", f"Statement was aborted: the lock on table '{name}' was not free within {seconds:.0f} s.")
            self._owners[name] = session

    def release(self, session: Session) -> None:
        with self._changed:
            for name in [name for name, owner in self._owners.items() if owner is session]:
                del self._owners[name]
            self._changed.notify_all()


@dataclass(eq=False)
class Session:
    token: str
    number: int
    user: User
    role: Role
    connection: Connection
    javascript: bool
    warehouse: str | None
    autocommit: bool = True
    in_transaction: bool = False
    failure: str | None = None
    """Why the transaction is lost although the client has not ended it."""
    temporary: dict[Name, str] = field(default_factory=dict)
    """Temporary tables and views: their name, and their name in DuckDB's own temporary database."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    used: float = field(default_factory=time.monotonic)

    def physical(self, name: Name) -> Name:
        """Where DuckDB has it: a temporary one lies in the connection's own database."""
        return Name("temp", "main", self.temporary[name]) if name in self.temporary else name

    @property
    def database(self) -> str | None:
        return self.connection.database if self.connection.database_set else None

    @property
    def schema(self) -> str | None:
        return self.connection.schema if self.connection.schema_set else None


class Sessions:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._by_token: dict[str, Session] = {}
        self._guard = threading.Lock()
        self._count = 0
        self.locks = Locks()

    def open(self, user: User, role: Role, database: str | None, schema: str | None, javascript: bool, warehouse: str | None) -> Session:
        connection = Connection(self._engine, database, schema)
        with self._guard:
            self._count += 1
            session = Session(secrets.token_urlsafe(32), self._count, user, role, connection, javascript, warehouse)
            self._by_token[session.token] = session
            forgotten = [each for each in self._by_token.values() if time.monotonic() - each.used > IDLE_SECONDS]
        for each in forgotten:
            self.close(each)
        return session

    def find(self, authorization: str | None) -> Session | None:
        """By the header `Snowflake Token="…"`."""
        token = (authorization or "").partition('"')[2].rstrip('"')
        session = self._by_token.get(token)
        if session:
            session.used = time.monotonic()
        return session

    def close(self, session: Session) -> None:
        """Ends its transaction and its temporary tables."""
        with self._guard:
            self._by_token.pop(session.token, None)
        with session.lock:
            session.connection.close()
            self.locks.release(session)

    def __len__(self) -> int:
        return len(self._by_token)
