"""Tokens of a forged form: header, segments, signature, JSON, size, as `forged_case.Case`."""

import json
from collections.abc import Iterator
from typing import Any

from tests.support.forged_case import Case, short
from tests.support.jwt_world import (
    LIFE_S,
    NOW_S,
    b64,
    claims,
    compact,
    ec_key,
    header,
    make_token,
    rsa_key,
)

EXP = NOW_S + LIFE_S


def forged_forms() -> list[Case]:
    """All of them; ids are unique and the same in every process."""
    return [
        case for maker in (_parameters, _types, _segments, _signatures, _json, _sizes) for case in maker()
    ]


def _parameters() -> Iterator[Case]:
    values: dict[str, tuple[Any, ...]] = {
        "crit": (["exp"], ["b64"], ["alg"], ["https://example.com/x"], [], [1], "exp", None, {}, False),
        "b64": (False, True, None, "false", 0),
        "zip": ("DEF", "GZIP", "", None, 1),
        "cty": ("JWT", "json", "application/json", "", None),
    }
    for name, bad in values.items():
        for value in bad:
            token = make_token(head={**header(rsa_key()), name: value})
            twin = make_token(head={**header(rsa_key()), f"{name}x": value})
            yield Case(f"{name}={short(value)}", token, twin, "token_malformed")
    named = {"crit": ["b64"], "b64": True}
    yield Case(
        "crit with b64", make_token(head={**header(rsa_key()), **named}), make_token(), "token_malformed"
    )


def _types() -> Iterator[Case]:
    others = (
        "JWE", "JOSE", "JOSE+JSON", "dpop+jwt", "logout+jwt", "secevent+jwt", "oauth-authz-req+jwt", "id_token",
        "at+jwt;x", "at jwt", "JWT ", "application/jwt+at", "text/plain", "", "JW\u0422",
        None, 0, True, [], ["JWT"], {},
    )  # fmt: skip
    twins = ("JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt")
    for position, value in enumerate(others):
        token = make_token(head={**header(rsa_key()), "typ": value})
        twin = make_token(head=header(rsa_key(), typ=twins[position % len(twins)]))
        yield Case(f"typ={short(value)}", token, twin, "token_malformed")


def _segments() -> Iterator[Case]:
    good = make_token()
    head, payload, signature = good.split(".")
    shapes = {
        "one segment": head + payload + signature,
        "two segments": f"{head}.{payload}",
        "four segments": f"{good}.{signature}",
        "five segments": f"{head}.AA.AA.{payload}.{signature}",
        "five segments, like a JWE of dir": f"{head}..AA.{payload}.{signature}",
        "empty header": f".{payload}.{signature}",
        "empty payload": f"{head}..{signature}",
        "empty signature": f"{head}.{payload}.",
        "dots only": "..",
        "many dots": "." * 8000,
        "a dot before": f".{good}",
        "a dot behind": f"{good}.",
        "flattened JSON": json.dumps({"protected": head, "payload": payload, "signature": signature}),
        "general JSON": json.dumps(
            {"payload": payload, "signatures": [{"protected": head, "signature": signature}]}
        ),
        "quoted": f'"{good}"',
        "in brackets": f"<{good}>",
        "two tokens": f"{good},{good}",
        "two tokens and a space": f"{good} {good}",
        "the scheme twice": f"Bearer {good}",
        "a scheme before": f"Basic {good}",
        "DPoP": f"DPoP {good}",
        "a parameter": f"token={good}",
        "percent-encoded dots": good.replace(".", "%2E"),
        "a full stop of another script": good.replace(".", "\u3002"),
        "a comment": f"{good}#",
        "basic credentials": "Basic dXNlcjpwYXNzd29yZA==",
    }
    for name, token in shapes.items():
        yield Case(name, token, good, "token_malformed")
    for position, name in enumerate(("header", "payload", "signature")):
        for mark in (
            "=",
            "==",
            "====",
            "\n",
            "\r\n",
            " ",
            "\t",
            "\0",
            "+",
            "/",
            "%3D",
            ",",
            "\x7f",
            "\u00e9",
            "\u0130",
        ):
            for place in ("inside", "behind"):
                parts = [head, payload, signature]
                part = parts[position]
                parts[position] = part + mark if place == "behind" else f"{part[:8]}{mark}{part[8:]}"
                yield Case(f"{mark!r} {place} the {name}", ".".join(parts), good, "token_malformed")
        parts = [head, payload, signature]
        parts[position] += "A" * ((5 - len(parts[position])) % 4)  # 4n+1 characters hold no whole byte
        yield Case(f"{name} of 4n+1 characters", ".".join(parts), good, "token_malformed")
    # 256 bytes of signature end in a character with four spare bits, which must be zero.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for spare in (1, 2, 7, 15):
        last = alphabet[alphabet.index(signature[-1]) | spare]
        yield Case(f"signature with spare bits {spare}", good[:-1] + last, good, "token_malformed")


def _signatures() -> Iterator[Case]:
    good = make_token()
    head, payload, _ = good.split(".")
    signing_input = f"{head}.{payload}"
    real = rsa_key().sign(signing_input.encode())
    modulus = rsa_key().private.public_key().public_numbers().n.to_bytes(256, "big")
    other = make_token(payload=claims(sub="user-2")).split(".")
    forged = {
        "first bit": bytes([real[0] ^ 1]) + real[1:],
        "last bit": real[:-1] + bytes([real[-1] ^ 1]),
        "a byte less": real[:-1],
        "a byte more": real + b"\0",
        "a zero before": b"\0" + real,
        "one byte": b"\1",
        "zeros": bytes(256),
        "ones": b"\xff" * 256,
        "the number one": (1).to_bytes(256, "big"),
        "the modulus": modulus,
        "the signature and the modulus": (
            int.from_bytes(real, "big") + int.from_bytes(modulus, "big")
        ).to_bytes(257, "big"),
        "reversed": real[::-1],
        "of another key": rsa_key("b").sign(signing_input.encode()),
        "of PSS": rsa_key().sign(signing_input.encode(), "PS256"),
        "over SHA-384": rsa_key().sign(signing_input.encode(), "RS384"),
        "over the payload alone": rsa_key().sign(payload.encode()),
        "over decoded bytes": rsa_key().sign(
            json.dumps(header(rsa_key())).encode() + json.dumps(claims()).encode()
        ),
    }
    for name, signature in forged.items():
        yield Case(f"signature: {name}", f"{signing_input}.{b64(signature)}", good, "signature_invalid")
    yield Case("another token's signature", f"{signing_input}.{other[2]}", good, "signature_invalid")
    yield Case("another token's payload", f"{head}.{other[1]}.{b64(real)}", good, "signature_invalid")
    padded = b64(json.dumps({**header(rsa_key()), "x": 1}).encode())
    swapped = f"{payload}.{head}.{b64(real)}"
    yield Case("payload before header", swapped, good, "algorithm_refused")
    yield Case("another header", f"{padded}.{payload}.{b64(real)}", good, "signature_invalid")
    curve = make_token(ec_key("curve"), head={**header(rsa_key("a"))}, sign_as="ES256")
    yield Case("ES256 bytes called RS256", curve, good, "signature_invalid")


def _json() -> Iterator[Case]:
    """One hostile member in header and payload; both are signed by the issuer."""
    members = {
        "duplicate": (b'"x":1,"x":1', b'"x":1,"y":1'),
        "duplicate in another spelling": (b'"x":1,"\\u0078":1', b'"x":1,"\\u0079":1'),
        "duplicate within": (b'"x":{"y":1,"y":2}', b'"x":{"y":1,"z":2}'),
        "duplicate within a list": (b'"x":[{"y":1,"y":2}]', b'"x":[{"y":1},{"y":2}]'),
        "NaN": (b'"x":NaN', b'"x":"NaN"'),
        "Infinity": (b'"x":Infinity', b'"x":"Infinity"'),
        "-Infinity": (b'"x":-Infinity', b'"x":"-Infinity"'),
        "1e400": (b'"x":1e400', b'"x":1e300'),
        "-1e400": (b'"x":-1e400', b'"x":-1e300'),
        "integer of 101 digits": (b'"x":' + b"7" * 101, b'"x":' + b"7" * 100),
        "integer of 3000 digits": (b'"x":' + b"7" * 3000, b'"x":7'),
        "nested 32 deep": (b'"x":' + b"[" * 32 + b"]" * 32, b'"x":' + b"[" * 31 + b"]" * 31),
        "nested 1000 deep": (b'"x":' + b"[" * 1000 + b"]" * 1000, b'"x":"' + b"[" * 1000 + b']"'),
        "objects 300 deep": (b'"x":' + b'{"x":' * 300 + b"1" + b"}" * 300, b'"x":1'),
        "not UTF-8": (b'"x":"\xff"', b'"x":"\xc3\xbf"'),
        "overlong UTF-8": (b'"x":"\xc0\xaf"', b'"x":"/"'),
        "a surrogate as UTF-8": (b'"x":"\xed\xa0\x80"', b'"x":"\xf0\x90\x80\x80"'),
        "half a surrogate pair": (b'"x":"\\ud800"', b'"x":"\\ud800\\udc00"'),
        "half a pair in a name": (b'"\\udfff":1', b'"\\u00ff":1'),
        "a raw line feed": (b'"x":"\n"', b'"x":"\\n"'),
        "a raw NUL": (b'"x":"\0"', b'"x":"\\u0000"'),
        "a comment": (b'"x":1/**/', b'"x":1'),
        "a trailing comma": (b'"x":1,', b'"x":1'),
        "single quotes": (b"'x':1", b'"x":1'),
        "a leading zero": (b'"x":01', b'"x":1'),
        "a hexadecimal number": (b'"x":0x1', b'"x":1'),
        "Python's None": (b'"x":None', b'"x":null'),
        "a bad escape": (b'"x":"\\x41"', b'"x":"\\u0041"'),
    }
    key = rsa_key()
    head, payload = json.dumps(header(key)).encode(), json.dumps(claims()).encode()
    for name, (bad, good) in members.items():
        for part, base in (("header", head), ("payload", payload)):
            tokens = []
            for member in (bad, good):
                changed = base[:-1] + b"," + member + b"}"
                tokens.append(
                    compact(key, changed, payload) if part == "header" else compact(key, head, changed)
                )
            yield Case(f"{part}: {name}", tokens[0], tokens[1], "token_malformed")
    whole = {
        "a byte order mark": lambda base: b"\xef\xbb\xbf" + base,
        "UTF-16": lambda base: base.decode().encode("utf-16"),
        "UTF-16 without mark": lambda base: base.decode().encode("utf-16-le"),
        "UTF-32": lambda base: base.decode().encode("utf-32"),
        "a list": lambda base: b"[" + base + b"]",
        "two objects": lambda base: base + base,
        "something behind": lambda base: base + b"x",
        "a NUL behind": lambda base: base + b"\0",
        "a text": lambda base: json.dumps(base.decode()).encode(),
        "a number": lambda base: b"1",
        "null": lambda base: b"null",
        "cut short": lambda base: base[:-1],
        "base64 twice": lambda base: b64(base).encode(),
    }
    for name, change in whole.items():
        yield Case(f"header: {name}", compact(key, change(head), payload), make_token(), "token_malformed")
        yield Case(f"payload: {name}", compact(key, head, change(payload)), make_token(), "token_malformed")
    members_twice = {"header": (b'"alg":"none"', b'"alg":"RS256"', b'"kid":"b"')}
    members_twice["payload"] = (b'"exp":%d' % (EXP + 1), b'"sub":"admin"', b'"aud":"other"')
    for part, twice in members_twice.items():
        base = head if part == "header" else payload
        for member in twice:
            for place, bad in (
                ("before", b"{" + member + b"," + base[1:]),
                ("behind", base[:-1] + b"," + member + b"}"),
            ):
                token = compact(key, bad, payload) if part == "header" else compact(key, head, bad)
                yield Case(f"{part}: {member.decode()} {place}", token, make_token(), "token_malformed")


def _sizes() -> Iterator[Case]:
    def of(characters: int) -> str:
        """A signed token of about so many characters: never fewer, at most three more."""
        base = len(make_token(payload=claims(x="")))
        size = (characters - base) * 3 // 4
        while len(token := make_token(payload=claims(x="x" * size))) < characters:
            size += 1
        return token

    largest = max((of(8192 - n) for n in range(8)), key=lambda token: len(token) if len(token) <= 8192 else 0)
    for characters in (8193, 9000, 16_000, 100_000):
        yield Case(f"{characters} characters", of(characters), largest, "token_malformed")

    def with_header_of(size: int) -> str:
        filled = json.dumps(header(rsa_key(), x="")).encode()
        head = filled.replace(b'"x": ""', b'"x": "' + b"x" * (size - len(filled)) + b'"')
        assert len(head) == size
        return compact(rsa_key(), head, json.dumps(claims()).encode())

    for size in (4097, 5000):
        yield Case(f"header of {size} bytes", with_header_of(size), with_header_of(4096), "token_malformed")
