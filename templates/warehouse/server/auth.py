"""Who may log in: passwords of the config's users, or a token signed with a key that was registered for the user."""
from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from config import Config, User
from engine import GLOBAL, Engine
from errors import WireError

_WRONG = WireError("390100", "08001", "Incorrect username or password was specified.")
_TIMES_BY_HAND = {"require": ["exp", "iss", "sub"], "verify_exp": False, "verify_iat": False}
_BAD_TOKEN = WireError("390144", "08001", "JWT token is invalid.")


def authenticate(engine: Engine, data: dict[str, object]) -> User:
    """The user of a login request's data. Raises 390100 (password) or 390144 (token), never saying which part was wrong."""
    name = str(data.get("LOGIN_NAME") or "").upper()
    method = str(data.get("AUTHENTICATOR") or "SNOWFLAKE").upper()
    user = engine.config.users.get(name)
    if method == "SNOWFLAKE_JWT":
        return _by_token(engine, user, str(data.get("TOKEN") or ""))
    if method not in ("SNOWFLAKE", "USERNAME_PASSWORD_MFA"):
        raise WireError("390101", "08001", f"The embedded warehouse knows passwords and key pairs, not {method}.")
    # Compared even where there is no such user, so that the time taken tells nothing.
    expected = user.password if user else "\0"
    matches = hmac.compare_digest(expected.encode(), str(data.get("PASSWORD") or "").encode())
    if user is None or not matches:
        raise _WRONG
    return user


def _by_token(engine: Engine, user: User | None, token: str) -> User:
    key = _registered_key(engine, user.name) if user else None
    if user is None or key is None:
        raise _BAD_TOKEN
    try:
        claims = jwt.decode(token, key, algorithms=["RS256"], options=_TIMES_BY_HAND)
        expires = float(claims["exp"])
    except (jwt.PyJWTError, TypeError, ValueError):
        raise _BAD_TOKEN from None
    # The JavaScript client counts in milliseconds, the others in seconds as the standard says.
    if (expires / 1000 if expires > 10**11 else expires) < time.time() - 60:
        raise _BAD_TOKEN
    # iss = ACCOUNT.USER.SHA256:fingerprint, sub = ACCOUNT.USER
    issuer, subject = str(claims["iss"]).upper().split("."), str(claims["sub"]).upper().split(".")
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    fingerprint = "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()
    same_key = str(claims["iss"]).endswith(fingerprint)
    if not same_key or subject[-1] != user.name or len(issuer) < 3 or issuer[-2] != user.name:
        raise _BAD_TOKEN
    return user


def register_key(engine: Engine, user: str, public_key: str | None) -> None:
    """ALTER USER … SET RSA_PUBLIC_KEY: base64 of the DER form, with or without PEM's lines; None removes it."""
    if user.upper() not in engine.config.users:
        raise WireError(2003, "02000", f"SQL compilation error:\nUser '{user.upper()}' does not exist or not authorized.")
    if public_key is not None:
        _parse_key(public_key)
    sql = f"INSERT OR REPLACE INTO {GLOBAL}.main.user_keys VALUES (?, ?)"
    engine.connection.cursor().execute(sql, [user.upper(), public_key])


def _registered_key(engine: Engine, user: str):  # noqa: ANN202 - the type has no public name
    sql = f"SELECT public_key FROM {GLOBAL}.main.user_keys WHERE name = ?"
    row = engine.connection.cursor().execute(sql, [user]).fetchone()
    return _parse_key(row[0]) if row and row[0] else None


def _parse_key(text: str):  # noqa: ANN202
    body = "".join(line for line in text.strip().splitlines() if not line.startswith("-----"))
    try:
        return load_der_public_key(base64.b64decode(body, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        raise WireError(1008, "22023", "SQL compilation error:\nNew public key rejected by current policy. Reason: 'Invalid public key'.") from None


def role_for(config: Config, user: User, wanted: str | None) -> str:
    """The session's role: the one asked for where the user has it. Raises 390189."""
    role = (wanted or user.role).strip('"').upper()
    if role in (user.role, "PUBLIC") or (config.roles[user.role].admin and role in config.roles):
        return user.role if role == "PUBLIC" else role
    raise WireError("390189", "08001", f"Role '{role}' specified in the connect string is not granted to this user.")
