"""Statements about the account rather than about data: most mean nothing here and are accepted, some are refused."""
from __future__ import annotations

import re

from auth import register_key
from engine import Engine
from errors import compilation, insufficient, unsupported
from session import Session

_LEAD = r"^(?:\s|/\*.*?\*/|--[^\n]*\n)*"
_FLAGS = re.I | re.S

_BEGIN = re.compile(_LEAD + r"(?:begin|start\s+transaction)(?:\s+(?:work|transaction))?(?:\s+name\s+\S+)?\s*;?\s*$", _FLAGS)
_KEY = re.compile(
    _LEAD + r"alter\s+user\s+(?:if\s+exists\s+)?\"?(?P<user>\w+)\"?\s+(?:set\s+rsa_public_key(?:_2)?\s*=\s*'(?P<key>[^']+)'|unset\s+rsa_public_key)", _FLAGS
)
_ACCEPTED = re.compile(
    _LEAD + r"(?:(?:create|alter|drop)\s+(?:or\s+replace\s+)?(?:warehouse|role|user|resource\s+monitor|network\s+policy|(?:storage\s+)?integration)\b"
    r"|grant\b|revoke\b)", _FLAGS
)  # fmt: skip
_REFUSED = re.compile(
    _LEAD + r"(?P<what>create\s+(?:or\s+replace\s+)?(?:secure\s+)?(?:dynamic\s+table|stream|task|pipe|materialized\s+view|external\s+table|procedure|"
    r"function|masking\s+policy|row\s+access\s+policy|tag|share|alert|notebook)|execute\s+\w+|call|declare|undrop\s+\w+|get|unload|explain|copy\s+into\s+[@'])", _FLAGS
)  # fmt: skip
_ENGINE_ONLY = re.compile(_LEAD + r"(?P<what>attach|detach|install|load|pragma|copy\s+(?!into)|import|export|checkpoint|vacuum|set\s+(?:global|session)|reset)\b", _FLAGS)
_ALTER_SESSION = re.compile(_LEAD + r"alter\s+session\s+(?P<verb>set|unset)\s+(?P<rest>.*?)\s*;?\s*$", _FLAGS)


def is_begin(sql: str) -> bool:
    return _BEGIN.match(sql) is not None


def administer(engine: Engine, session: Session, sql: str) -> bool:
    """Whether the statement was one of these and is done. Raises 000002 for what is refused, 003001 without the right."""
    if match := _KEY.match(sql):
        if not session.role.admin and match["user"].upper() != session.user.name:
            raise insufficient("user", match["user"].upper())
        register_key(engine, match["user"], match["key"])
        return True
    if _ACCEPTED.match(sql):
        if not session.role.admin:
            raise insufficient("account", "EMBEDDED")
        return True
    if match := _ALTER_SESSION.match(sql):
        _alter_session(session, match["verb"].lower(), match["rest"])
        return True
    if match := _REFUSED.match(sql):
        raise unsupported(" ".join(match["what"].upper().split()))
    if match := _ENGINE_ONLY.match(sql):
        raise compilation(1003, "42000", f"syntax error line 1 at position 0 unexpected '{match['what'].split()[0]}'.")
    return False


def _alter_session(session: Session, verb: str, rest: str) -> None:
    if verb == "unset":
        return
    for name, value in re.findall(r"(\w+)\s*=\s*('(?:[^']|'')*'|\S+)", rest):
        value = value.strip("',").upper()
        if name.upper() == "TIMEZONE" and value not in ("UTC", "ETC/UTC"):
            raise unsupported(f"TIMEZONE {value}; every session is in UTC")
        if name.upper() == "AUTOCOMMIT":
            session.autocommit = value == "TRUE"
