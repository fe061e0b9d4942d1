"""A person as one line of JSON: what `user export` writes and `user import` reads. docs/moving-users.md shows it.

Unknown fields are refused by name: a misspelt ``pasword_hash`` would cost everybody their password.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_args

from auth.core.srp import N
from auth.core.totp import base32, secret_of
from auth.flows.moving import Arrival, BroughtVerifier, NotAdmitted, shown
from auth.store.ports import MovedUser, SrpVerifier
from auth.user import MfaMethod, MfaPreference, UserStatus
from kit.strict_json import StrictJsonError, parse_object
from lockgate.config.grammar.scalars import closest

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_MAX_SECONDS: Final = 253_402_300_799  # the year 9999
_STATUSES: Final = get_args(UserStatus)
_METHODS: Final = get_args(MfaMethod)


def line_of(moved: MovedUser, pool_name: str, *, with_hashes: bool, with_seeds: bool) -> bytes:
    """:param pool_name: the part of the pool's id behind the region. :returns: with its newline."""
    user = moved.user
    record: dict[str, object] = {
        "sub": user.sub,
        "username": user.username,
        "status": user.status,
        "enabled": user.is_enabled,
        "attributes": dict(user.attributes),
    }
    if user.groups:
        record["groups"] = list(user.groups)
    if user.mfa.enabled:
        record["mfa"] = {"enabled": sorted(user.mfa.enabled), "preferred": user.mfa.preferred}
    record |= {"created_at": user.created_at.isoformat(), "updated_at": user.updated_at.isoformat()}
    if with_hashes and moved.password is not None:
        record["password_hash"] = moved.password.hash
        record["password_set_at"] = moved.password.set_at.isoformat()
        if moved.password.temporary_until is not None:
            record["temporary_until"] = moved.password.temporary_until.isoformat()
        if moved.verifier is not None:
            record["srp"] = _srp_of(moved.verifier, pool_name)
    if with_seeds and moved.totp_secret is not None:
        record["totp_secret"] = base32(moved.totp_secret)
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _srp_of(verifier: SrpVerifier, pool_name: str) -> dict[str, str]:
    return {
        "pool": pool_name,
        "user_id": verifier.user_id,
        "salt": verifier.salt.hex(),
        "verifier": f"{verifier.verifier:x}",
    }


def arrival_of(line: bytes) -> Arrival:
    """:raises NotAdmitted: it is no such line."""
    try:
        record = parse_object(line)
    except StrictJsonError as error:
        raise NotAdmitted("", f"{_where_broken(line) or error}.", _what_instead(line)) from error
    values: dict[str, Any] = {}
    for name, value in record.items():
        if name not in _FIELDS:
            raise NotAdmitted(name[:40], "there is no such field.", _sentence(closest(name, _FIELDS)))
        target, read = _FIELDS[name]
        if value is not None:
            values[target] = read(name, value)
    return Arrival(**values)


def _text(where: str, value: object) -> str:
    if not isinstance(value, str):
        raise NotAdmitted(where, f"{_kind(value)} is no text.", "Write it in quotes.")
    return value


def _boolean(where: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise NotAdmitted(
            where, f"{_kind(value)} is neither true nor false.", "Write true or false, without quotes."
        )
    return value


def _status(where: str, value: object) -> str:
    return _one_of(where, value, _STATUSES)


def _one_of(where: str, value: object, allowed: tuple[str, ...]) -> str:
    text = _text(where, value)
    if text not in allowed:
        raise NotAdmitted(where, f"{shown(text)} is none of them.", f"Write one of {', '.join(allowed)}.")
    return text


def _attributes(where: str, value: object) -> dict[str, str]:
    found = {}
    for name, each in _object(where, value).items():
        if isinstance(each, bool):
            found[name] = str(each).lower()
        elif isinstance(each, int | float):
            found[name] = str(each)
        elif each is not None:
            found[name] = _text(f"{where}.{name[:40]}", each)
    return found


def _texts(where: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise NotAdmitted(where, f"{_kind(value)} is no list.", 'Write it as ["admins"].')
    return tuple(_text(where, each) for each in value)


def _mfa(where: str, value: object) -> MfaPreference:
    found = _object(where, value)
    for name in found.keys() - {"enabled", "preferred"}:
        raise NotAdmitted(
            f"{where}.{name[:40]}", "there is no such field.", "There are enabled and preferred."
        )
    enabled = _texts(f"{where}.enabled", found.get("enabled") or [])
    preferred = found.get("preferred")
    return MfaPreference(
        enabled=frozenset(_method(f"{where}.enabled", each) for each in enabled),
        preferred=None if preferred is None else _method(f"{where}.preferred", preferred),
    )


def _method(where: str, value: object) -> MfaMethod:
    return "EMAIL_OTP" if _one_of(where, value, _METHODS) == "EMAIL_OTP" else "SOFTWARE_TOKEN_MFA"


def _moment(where: str, value: object) -> datetime:
    """ISO 8601 with a zone, or seconds since 1970."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MAX_SECONDS:
        return _EPOCH + timedelta(seconds=value)
    try:
        moment = datetime.fromisoformat(_text(where, value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment < _EPOCH:
        raise NotAdmitted(
            where,
            f"{shown(str(value))} is no moment.",
            "Write it as 2026-05-04T12:00:00Z, or in seconds since 1970.",
        )
    return moment.astimezone(UTC)


def _seed(where: str, value: object) -> bytes:
    try:
        return secret_of("".join(_text(where, value).split()).upper().rstrip("="))
    except ValueError:
        raise NotAdmitted(
            where, "it is no base32.", "Write it as the app was given it, A to Z and 2 to 7."
        ) from None


def _srp(where: str, value: object) -> BroughtVerifier:
    found = _object(where, value)
    for name in found.keys() ^ {"pool", "user_id", "salt", "verifier"}:
        what = "there is no such field." if name in found else "it is missing."
        raise NotAdmitted(f"{where}.{name[:40]}", what, "There are pool, user_id, salt and verifier.")
    salt, verifier = (_hex(f"{where}.{name}", found[name]) for name in ("salt", "verifier"))
    number = int.from_bytes(verifier, "big")
    if not 1 < number < N:
        raise NotAdmitted(f"{where}.verifier", "nobody proves a password by that number.", "Leave srp out.")
    user_id = _text(f"{where}.user_id", found["user_id"])
    return BroughtVerifier(
        pool=_text(f"{where}.pool", found["pool"]),
        verifier=SrpVerifier(user_id=user_id, salt=salt, verifier=number),
    )


def _hex(where: str, value: object) -> bytes:
    text = _text(where, value)
    if len(text) > 800 or _HEX.fullmatch(text) is None:
        raise NotAdmitted(where, "it is no hexadecimal number of at most 3,072 bits.", "Leave srp out.")
    return bytes.fromhex(text if len(text) % 2 == 0 else f"0{text}")


def _object(where: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise NotAdmitted(
            where, f"{_kind(value)} is no object.", 'Write it in braces, as {"email": "ada@example.com"}.'
        )
    return value


def _kind(value: object) -> str:
    return shown(json.dumps(value, ensure_ascii=False))


_FIELDS: Final[Mapping[str, tuple[str, Callable[[str, object], Any]]]] = {
    "sub": ("sub", _text),
    "username": ("username", _text),
    "status": ("status", _status),
    "enabled": ("is_enabled", _boolean),
    "attributes": ("attributes", _attributes),
    "groups": ("groups", _texts),
    "mfa": ("mfa", _mfa),
    "created_at": ("created_at", _moment),
    "updated_at": ("updated_at", _moment),
    "password_hash": ("password_hash", _text),
    "password_set_at": ("password_set_at", _moment),
    "temporary_until": ("temporary_until", _moment),
    "totp_secret": ("totp_secret", _seed),
    "srp": ("srp", _srp),
}


def _where_broken(line: bytes) -> str:
    """What the standard parser says, which knows the column; it is more lenient, and may say nothing."""
    try:
        json.loads(line)
    except json.JSONDecodeError as error:
        return f"it is not JSON: {error.msg.lower()} at character {error.colno}"
    except (ValueError, RecursionError):
        return ""
    return ""


def _what_instead(line: bytes) -> str:
    start = line.lstrip()[:200]
    if start.startswith(b"["):
        return "One object a line: jq -c '.[]' FILE makes it of an array."
    if b"cognito:username" in start or (b"," in start and b"{" not in start):
        return "If it is Cognito's CSV, say --csv."
    return 'One object a line, as {"username": "ada", "attributes": {"email": "ada@example.com"}}.'


def _sentence(hint: str) -> str:
    return f"{hint[0].upper()}{hint[1:]}{'' if hint.endswith('?') else '.'}" if hint else ""
