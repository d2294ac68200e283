"""The log of statements, on stdout: who, how long, how many rows, and the statement without its secrets and its long values."""
from __future__ import annotations

import logging
import re
import sys

LONG = 200

_SECRETS = re.compile(
    r"(?i)\b(aws_key_id|aws_secret_key|aws_token|password|rsa_public_key(?:_2)?|private_key|secret|token|azure_sas_token|master_key)(\s*=\s*)'(?:[^']|'')*'"
)
_LITERAL = re.compile(r"'(?:[^']|'')*'")

log = logging.getLogger("warehouse")


def set_up() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.formatter.default_msec_format = "%s.%03d"
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    # It complains about every property that DuckDB has no word for.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)


def statement(user: str, role: str, session: int, milliseconds: float, outcome: str, sql: str) -> None:
    log.info("user=%s role=%s session=%d ms=%.0f %s sql=%s", user, role, session, milliseconds, outcome, shown(sql))


def shown(sql: str) -> str:
    """One line, secrets as '***', literals of more than 200 characters by their length."""
    text = _SECRETS.sub(r"\1\2'***'", sql)
    text = _LITERAL.sub(lambda match: match[0] if len(match[0]) <= LONG + 2 else f"'… {len(match[0]) - 2} characters'", text)
    text = " ".join(text.split())
    return text if len(text) <= 4000 else f"{text[:4000]} … {len(text)} characters"
