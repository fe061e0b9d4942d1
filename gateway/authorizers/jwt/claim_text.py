"""Claims as the texts in which API Gateway hands them on: Go's ``%v``, not JSON.

Text as it is, ``true``, ``1735689600``, ``[admin poweruser]``, ``map[city:Oslo zip:1]``. A claim that is null is
left out. Integers keep their digits; other numbers are written as Go writes a float64.
"""

from collections.abc import Mapping
from decimal import Decimal

# strconv's %g of the shortest digits: an exponent below -4 or from 6 on is written as one (measured with Go 1).
_MIN_PLAIN_EXPONENT = -4
_MAX_PLAIN_EXPONENT = 5


def claim_texts(claims: Mapping[str, object]) -> dict[str, str]:
    """Name → text, in the token's order."""
    return {
        name: value if type(value) is str else claim_text(value)
        for name, value in claims.items()
        if value is not None
    }


def claim_text(value: object) -> str:
    """One value; null, which only stands within others, is ``<nil>``."""
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, list):
        return f"[{' '.join(map(claim_text, value))}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{name}:{claim_text(value[name])}' for name in sorted(value))}]"
    raise TypeError(f"no JSON value: {type(value).__name__}")


def _float_text(number: float) -> str:
    sign, digits, exponent = Decimal(repr(number)).as_tuple()
    minus = "-" if sign else ""
    significant = "".join(map(str, digits)).rstrip("0")
    if not significant:
        return f"{minus}0"
    scientific = len(digits) - 1 + int(exponent)
    if _MIN_PLAIN_EXPONENT <= scientific <= _MAX_PLAIN_EXPONENT:
        return f"{minus}{_plain(significant, scientific)}"
    fraction = f".{significant[1:]}" if len(significant) > 1 else ""
    return f"{minus}{significant[0]}{fraction}e{scientific:+03d}"


def _plain(significant: str, scientific: int) -> str:
    if scientific < 0:
        return f"0.{'0' * (-scientific - 1)}{significant}"
    whole = scientific + 1
    padded = significant.ljust(whole, "0")
    return padded[:whole] + (f".{padded[whole:]}" if len(padded) > whole else "")
