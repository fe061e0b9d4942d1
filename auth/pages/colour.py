"""Colours that can be read, made from the one that a brand has. Pure.

Source: WCAG 2.2, "relative luminance", "contrast ratio", success criteria 1.4.3 (text 4.5 : 1) and 1.4.11.
"""

import re
from dataclasses import dataclass

TEXT_CONTRAST = 4.5
_DEFAULT = "#3b5bdb"
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_STEPS = 32

Rgb = tuple[int, int, int]
WHITE: Rgb = (255, 255, 255)
BLACK: Rgb = (0, 0, 0)  # nothing paler is readable on every colour on which white is not
LIGHT_PAGE: Rgb = (244, 245, 248)  # as in pages.css
DARK_CARD: Rgb = (29, 32, 41)


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """All as ``#rrggbb``. :param brand: of the button, as the owner has it. :param on_brand: what is written on it.

    :param accent: of links and outlines on a light page; :param accent_dark: on a dark one.
    """

    brand: str
    on_brand: str
    accent: str
    accent_dark: str


def palette(colour: str) -> Palette:
    """:param colour: ``#rrggbb``; anything else counts as none, and ours is taken."""
    brand = _parse(colour if _HEX.fullmatch(colour) else _DEFAULT)
    return Palette(
        brand=_text(brand),
        on_brand=_text(max(WHITE, BLACK, key=lambda ink: contrast(ink, brand))),
        accent=_text(_readable(brand, LIGHT_PAGE, BLACK)),
        accent_dark=_text(_readable(brand, DARK_CARD, WHITE)),
    )


def contrast(one: Rgb, other: Rgb) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _readable(colour: Rgb, ground: Rgb, towards: Rgb) -> Rgb:
    """*colour*, as little mixed with *towards* as makes it readable on *ground*."""
    mixes = (_mix(colour, towards, step / _STEPS) for step in range(_STEPS + 1))
    return next(mix for mix in mixes if contrast(mix, ground) >= TEXT_CONTRAST)


def _mix(colour: Rgb, other: Rgb, share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def _luminance(colour: Rgb) -> float:
    red, green, blue = (_linear(channel / 255) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def _parse(colour: str) -> Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _text(colour: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
