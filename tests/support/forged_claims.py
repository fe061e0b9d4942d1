"""Tokens whose form and signature are good and whose claims are not, as `forged_case.Case`."""

import json
from collections.abc import Iterator
from typing import Any

from gateway.errors import DenialReason
from tests.support.forged_case import Case, short
from tests.support.jwt_world import (
    AUDIENCE,
    ISSUER,
    LIFE_S,
    NOW_S,
    claims,
    compact,
    header,
    make_token,
    rsa_key,
)

EXP = NOW_S + LIFE_S


def forged_claims() -> list[Case]:
    """All of them; ids are unique and the same in every process."""
    return [case for maker in (_times, _issuers, _audiences, _others) for case in maker()]


def _with(reason: DenialReason, name: str, value: Any, good: Any = None) -> Case:
    """A claim of a bad value, signed by the issuer; the twin has a good one, or the usual one."""
    usual = claims() if good is None else claims(**{name: good})
    return Case(f"{name}={short(value)}", make_token(payload={**claims(), name: value}), _sign(usual), reason)


def _sign(payload: dict[str, Any]) -> str:
    return make_token(payload=payload)


def _times() -> Iterator[Case]:
    wrong = (str(EXP), "tomorrow", "", True, False, None, [], [EXP], {}, {"exp": EXP})
    for name in ("exp", "nbf", "iat"):
        for value in wrong:
            yield _with("claims_invalid", name, value, EXP if name == "exp" else NOW_S)
        for raw in (b"Infinity", b"-Infinity", b"NaN", b"1e400", b"0x7fffffff", b"+%d" % EXP, b"%d." % EXP):
            payload = json.dumps({key: value for key, value in claims().items() if key != name}).encode()
            bad = payload[:-1] + b',"%s":%s}' % (name.encode(), raw)
            good = payload[:-1] + b',"%s":%d}' % (name.encode(), EXP if name == "exp" else NOW_S)
            head = json.dumps(header(rsa_key())).encode()
            token, twin = compact(rsa_key(), head, bad), compact(rsa_key(), head, good)
            yield Case(f"{name}={raw.decode()}", token, twin, "token_malformed")
    yield Case("exp missing", _sign(claims(exp=None)), _sign(claims()), "claims_invalid")
    for value in (NOW_S, NOW_S - 1, NOW_S - 0.001, 0, -1, -1e300, 1.5, -(10**99)):
        yield _with("token_expired", "exp", value, NOW_S + 1)
    for value in (NOW_S + 1, NOW_S + 0.001, NOW_S * 1000, 1e300, 10**99):
        yield _with("token_not_yet_valid", "nbf", value, NOW_S)
        yield _with("token_not_yet_valid", "iat", value, NOW_S)


def _issuers() -> Iterator[Case]:
    values = (
        f"{ISSUER}/", ISSUER[:-1], ISSUER.upper(), ISSUER.replace("https", "http"), ISSUER.removeprefix("https://"),
        f" {ISSUER}", f"{ISSUER} ", f"{ISSUER}\0", f"{ISSUER}?", f"{ISSUER}#", f"{ISSUER}.attacker.example",
        ISSUER.replace(".com", ".com:443"), ISSUER.replace("/pool", "/other/../pool"), "https://attacker.example",
        ISSUER.replace("e", "\u0435"), "", "*", None, True, 0, [], [ISSUER], [ISSUER, "x"], {"iss": ISSUER}, {},
    )  # fmt: skip
    for value in values:
        yield _with("issuer_wrong", "iss", value)
    yield Case("iss missing", _sign(claims(iss=None)), _sign(claims()), "issuer_wrong")


def _audiences() -> Iterator[Case]:
    wrong = (
        "", "client", "client-", "client-11", "CLIENT-1", " client-1", "client-1 ", "client-1 x", "client-1,x", "*",
        "other", [], ["other"], ["client-", "1"], ["CLIENT-1"], [""], ["client-1,other"],
    )  # fmt: skip
    for value in wrong:
        yield _with("audience_wrong", "aud", value, ["other", AUDIENCE])
    mistyped = (
        None,
        0,
        1,
        True,
        {},
        {AUDIENCE: True},
        {"aud": AUDIENCE},
        [[AUDIENCE]],
        [AUDIENCE, 1],
        [None, AUDIENCE],
        [True],
    )
    for value in mistyped:
        yield _with("claims_invalid", "aud", value)
    by_client = _sign(claims(aud=None, client_id=AUDIENCE))
    for value in ("other", "", "client-11"):
        yield Case(
            f"client_id={value!r}", _sign(claims(aud=None, client_id=value)), by_client, "audience_wrong"
        )
    for value in ([AUDIENCE], {AUDIENCE: 1}, 1, True, None):
        token = _sign({**claims(aud=None), "client_id": value})
        yield Case(f"client_id={short(value)}", token, by_client, "claims_invalid")
    for value in ("other", [], [""], ""):
        token = _sign({**claims(), "aud": value, "client_id": AUDIENCE})
        yield Case(f"aud={short(value)} beside a good client_id", token, by_client, "audience_wrong")
    token = _sign({**claims(), "aud": None, "client_id": AUDIENCE})
    yield Case("aud=null beside a good client_id", token, by_client, "claims_invalid")
    for name in ("azp", "audience", "Aud", "clientId", "cid", "appid"):
        token = _sign({**claims(aud=None), name: AUDIENCE})
        yield Case(f"{name} in place of aud", token, by_client, "audience_wrong")
    yield Case("neither aud nor client_id", _sign(claims(aud=None)), by_client, "audience_wrong")


def _others() -> Iterator[Case]:
    for value in (None, 1, True, [], ["user-1"], {}):
        yield _with("claims_invalid", "sub", value)
    for value in ({"jkt": "x"}, {"x5t#S256": "x"}, {}, None):
        yield _with("claims_invalid", "cnf", value)
    scopes = ("notes/read",)
    texts = (
        "", " ", "notes", "notes/", "notes/rea", "notes/read2", "xnotes/read", "NOTES/READ", "notes/read,notes/write",
        "notes/write\tnotes/read", "notes/write\nnotes/read", "notes/write\u00a0notes/read", "openid", "*",
    )  # fmt: skip
    other_types = (None, 0, True, ["notes/read"], {"notes/read": True}, [["notes/read"]])
    for value in (*texts, *other_types):
        token = _sign({**claims(), "scope": value})
        yield Case(f"scope={short(value)}", token, _sign(claims()), "scope_insufficient", scopes)
    listed = _sign(claims(scope=None, scp=["x", "notes/read"]))
    for value in (
        None,
        1,
        {},
        [],
        ["notes"],
        ["x notes/read"],
        [["notes/read"]],
        ["NOTES/READ"],
        "notes/read,x",
    ):
        token = _sign({**claims(scope=None), "scp": value})
        yield Case(f"scp={short(value)}", token, listed, "scope_insufficient", scopes)
    for name in ("scopes", "roles", "permissions", "Scope", "cognito:groups"):
        token = _sign({**claims(scope=None), name: "notes/read"})
        yield Case(f"{name} in place of scope", token, listed, "scope_insufficient", scopes)
