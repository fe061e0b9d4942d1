"""Cognito's CSV of users: its header, and each row by the rules of its import jobs.

No row has a password: everybody is RESET_REQUIRED. There is no SMS here, so a second factor is a code by mail.
Source: Cognito Developer Guide, "Importing users into user pools from a CSV file".
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from auth.flows.moving import NO_MFA, Arrival, NotAdmitted, shown
from auth.pool import STANDARD_ATTRIBUTES, Pool
from auth.user import MfaPreference
from lockgate.config.grammar.scalars import closest

USERNAME: Final = "cognito:username"
MFA_ENABLED: Final = "cognito:mfa_enabled"
REQUIRED: Final = (USERNAME, MFA_ENABLED)
MAX_ROW_CHARS: Final = 16_000  # Cognito's
_FLAGS: Final = (MFA_ENABLED, "email_verified", "phone_number_verified")
_US_DATE: Final = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")
_BY_MAIL: Final = MfaPreference(enabled=frozenset({"EMAIL_OTP"}), preferred="EMAIL_OTP")


def columns_of(pool: Pool) -> tuple[str, ...]:
    """The header that this pool takes, in the order of GetCSVHeader's."""
    custom = sorted(f"custom:{rule.name}" for rule in pool.attributes)
    return (*sorted(STANDARD_ATTRIBUTES), *custom, MFA_ENABLED, USERNAME)


@dataclass(frozen=True, slots=True)
class CsvRows:
    """:param columns: in the order of the file."""

    pool: Pool
    columns: tuple[str, ...]

    @classmethod
    def under(cls, header: bytes, pool: Pool) -> "CsvRows":
        """:raises NotAdmitted: it is no header, or not this pool's."""
        names = [name.strip() for name in _cells(header)]
        if USERNAME not in names:
            raise NotAdmitted(
                "",
                "it is no header of Cognito's: there is no cognito:username.",
                f"Write {','.join(columns_of(pool))}",
            )
        allowed = columns_of(pool)
        for name in names:
            if name not in allowed:
                hint = closest(name, allowed)
                raise NotAdmitted(name[:40], "the pool has no such attribute.", hint[:1].upper() + hint[1:])
            if names.count(name) > 1:
                raise NotAdmitted(name, "it stands in the header twice.", "Leave one of the two out.")
        for name in REQUIRED:
            if name not in names:
                raise NotAdmitted(name, "the header has no such column.", "Add it.")
        if not pool.auto_verified:
            raise NotAdmitted(
                "", "people of this pool get no codes: nobody could choose a password.", "Import JSON lines."
            )
        return cls(pool, tuple(names))

    def arrival_of(self, line: bytes) -> Arrival:
        """:raises NotAdmitted: it is no such row."""
        cells = _cells(line)
        if len(cells) != len(self.columns):
            raise NotAdmitted(
                "",
                f"it has {len(cells)} values, and the header {len(self.columns)} columns.",
                "A comma within a value is written \\, and a value may be left empty.",
            )
        row = {name: value.strip() for name, value in zip(self.columns, cells, strict=True) if value.strip()}
        for name in _FLAGS:
            if name in row:
                row[name] = _flag(name, row[name])
        for name in REQUIRED:
            if name not in row:
                raise NotAdmitted(name, "it is empty.", "Write it.")
        if "birthdate" in row:
            row["birthdate"] = _US_DATE.sub(r"\3-\1-\2", row["birthdate"])
        self._check_reachable(row)
        return Arrival(
            username=row[USERNAME],
            status="RESET_REQUIRED",
            attributes={name: value for name, value in row.items() if name not in REQUIRED},
            mfa=self._mfa(row),
        )

    def _check_reachable(self, row: Mapping[str, str]) -> None:
        """Nobody else could choose a password."""
        wanted = [f"{name}_verified" for name in sorted(self.pool.auto_verified)]
        if not any(row.get(name) == "true" for name in wanted):
            raise NotAdmitted(
                wanted[0],
                "it must be true: the code for a new password goes there.",
                "Write true, and the address.",
            )

    def _mfa(self, row: Mapping[str, str]) -> MfaPreference:
        wants = row[MFA_ENABLED] == "true"
        if wants and self.pool.mfa == "none":
            raise NotAdmitted(MFA_ENABLED, "it is true, and the pool has no second factors.", "Write false.")
        if not wants and self.pool.mfa == "required":
            raise NotAdmitted(
                MFA_ENABLED, "it is false, and the pool requires a second factor.", "Write true."
            )
        return _BY_MAIL if wants and row.get("email_verified") == "true" else NO_MFA


def _cells(line: bytes) -> Sequence[str]:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise NotAdmitted("", "it is not UTF-8.", "Save the file as UTF-8.") from None
    if len(text) > MAX_ROW_CHARS:
        raise NotAdmitted("", f"it is longer than {MAX_ROW_CHARS:,} characters.", "")
    try:
        return next(csv.reader([text], escapechar="\\", strict=True))
    except csv.Error:
        raise NotAdmitted(
            "", "a quotation mark is not closed.", "Write values without quotation marks."
        ) from None


def _flag(name: str, value: str) -> str:
    if value.casefold() not in ("true", "false"):
        raise NotAdmitted(name, f"{shown(value)} is neither true nor false.", "Write true or false.")
    return value.casefold()
