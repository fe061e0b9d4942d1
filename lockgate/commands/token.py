"""``lockgate token decode`` shows what a token says; ``lockgate token verify`` says who would believe it, and why not.

decode: exit 0, or 1 for a token of bad form. verify: exit 0 when it is accepted (by any authorizer, if none is named),
4 when it is refused, 5 when the keys to tell cannot be had. ``lockgate token issue``: see `lockgate.token_issue`.
"""

import argparse
import json
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from gateway.explain.moments import moment
from gateway.explain.token_form import TIMES, TokenForm, read_form
from lockgate.configuration import load_or_explain
from lockgate.console import visible
from lockgate.errors import ExitCode, UsageError
from lockgate.explain_text import claims_lines, outcome, step_lines
from lockgate.offline_pools import offline_names
from lockgate.settings import CONFIG
from lockgate.token_input import read_token_text
from lockgate.token_verdict import (
    Candidate,
    Held,
    fetched_keys,
    kept_keys,
    keys_of_document,
    of_file,
    of_words,
    read_jwks,
    verdict_of,
)

BAD_FORM = 1  # as grep and diff say no
_EXIT_CODES = {
    "accepted": ExitCode.OK,
    "refused": ExitCode.AUTHORIZATION,
    "unknown": ExitCode.RUNTIME,
}


def run(arguments: argparse.Namespace) -> int:
    if arguments.action == "issue":
        from lockgate.token_issue import run as issue  # it opens a database, which the others never do

        return issue(arguments)
    text = read_token_text(arguments.token)
    return _decode(arguments, text) if arguments.action == "decode" else _verify(arguments, text)


def _decode(arguments: argparse.Namespace, text: str) -> int:
    form, now_s = read_form(text), time.time()
    if arguments.json:
        print(json.dumps(decoded(form, now_s), indent=2))  # noqa: T201
    else:
        console = Console(highlight=False, soft_wrap=True)
        for line in decoded_lines(form, now_s):
            console.print(line)
    return ExitCode.OK if form.refusal is None else BAD_FORM


def decoded(form: TokenForm, now_s: float) -> dict[str, Any]:
    claims = form.claims or {}
    return {
        "verified": False,
        "well_formed": form.refusal is None,
        "refusal": form.refusal,
        "faults": list(form.faults),
        "segments": form.segments,
        "header": None if form.header is None else dict(form.header),
        "claims": None if form.claims is None else dict(form.claims),
        "times": {name: moment(claims[name], now_s) for name in TIMES if name in claims},
        "signature_bytes": form.signature_bytes,
    }


def decoded_lines(form: TokenForm, now_s: float) -> list[Text]:
    lines = [
        Text("Not verified: anybody could have written this. `lockgate token verify` says who would believe it.",
             style="yellow bold"),
    ]  # fmt: skip
    for title, members in (("header", form.header), ("claims", form.claims)):
        lines += [Text(), Text(title, style="dim")]
        if members is None:
            lines.append(Text("  it cannot be read"))
        for name, value in (members or {}).items():
            shown = json.dumps(value, ensure_ascii=False)
            when = f"   {moment(value, now_s)}" if title == "claims" and name in TIMES else ""
            lines.append(Text(visible(f"  {name}: {shown}{when}")))
    size = "" if form.signature_bytes is None else f"{form.signature_bytes} bytes, "
    lines += [Text(), Text("signature", style="dim"), Text(f"  {size}not shown")]
    if form.faults or form.refusal is not None:
        lines += [Text(), Text("what is wrong", style="dim")]
        lines += [Text(visible(f"  {fault}"), style="red") for fault in form.faults]
        if form.refusal is not None:
            lines.append(Text(visible(f"  a gateway says: {form.refusal}"), style="red"))
    return lines


def _verify(arguments: argparse.Namespace, text: str) -> int:
    now_s = time.time() if arguments.at is None else parse_moment(arguments.at)
    document = None if arguments.jwks is None else read_jwks(Path(arguments.jwks))
    candidates = _candidates(arguments, text)
    rows = [
        verdict_of(each, _keys(arguments, each, document), text, now_s, all_claims=arguments.claims)
        for each in candidates
    ]
    verdict = overall(rows)
    found = {"verdict": verdict, "at": _iso(now_s), "authorizers": rows}
    if arguments.json:
        print(json.dumps(found, indent=2))  # noqa: T201
    else:
        _show(found)
    return _EXIT_CODES[verdict]


def overall(rows: list[dict[str, Any]]) -> str:
    verdicts = {row["verdict"] for row in rows}
    return next(each for each in ("accepted", "unknown", "refused") if each in verdicts)


def _candidates(arguments: argparse.Namespace, text: str) -> list[Candidate]:
    by_words = arguments.issuer is not None or arguments.audience
    if by_words and arguments.authorizer is not None:
        raise UsageError(
            "--authorizer names issuer and audience already.", "Leave --issuer and --audience out."
        )
    if by_words and not (arguments.issuer and arguments.audience) and arguments.jwks is None:
        raise UsageError(
            "--issuer and --audience go together.", "Give both, or name an --authorizer of the file."
        )
    is_alone = arguments.jwks is not None and arguments.authorizer is None and arguments.config is None
    if by_words or is_alone:
        return [of_words(text, arguments.issuer, arguments.audience)]
    configured = arguments.config or [os.environ.get(CONFIG.variable) or CONFIG.default]
    file = load_or_explain([Path(each) for each in configured])
    return of_file(file, arguments.authorizer, offline_names(file, Path(arguments.state)))


def _keys(arguments: argparse.Namespace, candidate: Candidate, document: bytes | None) -> Held:
    if document is not None:
        return keys_of_document(candidate.spec, document)
    if arguments.fetch:
        return fetched_keys(candidate.spec)
    return kept_keys(candidate.spec, Path(arguments.state))


def parse_moment(text: str) -> float:
    """Seconds since the epoch, of a number of them or of ISO 8601 with a zone. :raises UsageError: it is neither."""
    try:
        at_s = float(int(text)) if text.isdecimal() else _zoned(text).timestamp()
        _iso(at_s)  # it is shown, too
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f"--at {text!r} is no time.", "Write 2026-07-10T19:19:05Z, or seconds since 1970."
        ) from error
    return at_s


def _zoned(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("no zone")
    return at


def _iso(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _show(found: Mapping[str, Any]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    rows = found["authorizers"]
    for number, row in enumerate(rows):
        if number:
            console.print()
        who = row["authorizer"] or row["issuer"]
        console.print(
            Text.assemble(
                outcome(row["verdict"]), "  ", (visible(who), "bold"), f"  {visible(row['sentence'])}"
            )
        )
        if row["note"]:
            console.print(Text(f"  {visible(row['note'])}", style="yellow"))
        for line in step_lines(row["checks"]):
            console.print(line)
        for line in claims_lines(row):
            console.print(line)
