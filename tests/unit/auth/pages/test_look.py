"""Brand, colours, texts and the QR code: what pages are made of."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.errors import InvalidParameter
from auth.pages import colour, texts
from auth.pages.assets import MAX_LOGO_BYTES, Assets
from auth.pages.authenticator_link import authenticator_link
from auth.pages.page import form_target
from auth.pages.qr import qr_path
from auth.pool import Brand
from tests.support.pages_world import POOL, PagesWorld

FOLDER = Path(texts.__file__).parent


def rgb(text: str) -> colour.Rgb:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


@given(st.integers(0, 0xFFFFFF))
def test_every_brand_colour_can_be_read(number: int) -> None:
    """WCAG AA: on the button, and as a link on all grounds of pages.css."""
    made = colour.palette(f"#{number:06x}")
    assert made.brand == f"#{number:06x}"
    assert colour.contrast(rgb(made.on_brand), rgb(made.brand)) >= 4.5
    for ground in ("#f4f5f8", "#ffffff"):
        assert colour.contrast(rgb(made.accent), rgb(ground)) >= 4.5
    for ground in ("#1d2029", "#13151c"):
        assert colour.contrast(rgb(made.accent_dark), rgb(ground)) >= 4.5


def test_colour_that_is_readable_is_left_alone() -> None:
    assert colour.palette("#0b7285").accent == "#0b7285"


@pytest.mark.parametrize("text", ["", "red", "#fff", "#0b7285;}body{display:none"])
def test_what_is_no_colour_is_ours(text: str) -> None:
    assert colour.palette(text) == colour.palette("")


def test_grounds_are_those_of_the_sheet() -> None:
    sheet = (FOLDER / "static/pages.css").read_text()
    grounds = re.findall(r"--(?:page|card): (#[0-9a-f]{6})", sheet)
    assert grounds == ["#f4f5f8", "#ffffff", "#13151c", "#1d2029"]


def test_every_text_is_used_and_every_used_text_is_there() -> None:
    sources = "".join(
        path.read_text()
        for path in [*FOLDER.glob("*.py"), *FOLDER.glob("templates/*.html")]
        if path.name != "texts.py"
    )
    made = ("name.", "password.", "list.", "problem.username")  # their keys are put together
    unused = [key for key in texts.ENGLISH if f'"{key}"' not in sources and not key.startswith(made)]
    assert unused == []
    used = set(re.findall(r'\bt(?:exts)?\("([a-z][a-z_.]+)"', sources)) | set(
        re.findall(r'"((?:problem|notice)\.\w+)"', sources)
    )
    assert used <= texts.ENGLISH.keys()


@pytest.mark.parametrize("language", texts.BY_LANGUAGE)
def test_translation_is_whole(language: str) -> None:
    def places(text: str) -> set[str | None]:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}

    translated = texts.BY_LANGUAGE[language]
    assert {key: places(text) for key, text in translated.items()} == {
        key: places(text) for key, text in texts.ENGLISH.items()
    }


@pytest.mark.parametrize("wanted", [[], ["xx"], ["en-GB"], ["xx", "EN"]])
def test_language_that_we_speak_is_chosen(wanted: list[str]) -> None:
    assert texts.choose(wanted).language == "en"


def test_assets_are_named_by_their_content_and_kept() -> None:
    assets = Assets(lambda: ())
    look = assets.look(POOL)
    for path in (look.logo, look.style):
        asset = assets.get(path.removeprefix("/assets/"))
        assert asset is not None
        assert asset.name.startswith(hashlib.sha256(asset.content).hexdigest()[:20])
        assert "immutable" in asset.response().headers["cache-control"]
    assert assets.look(replace(POOL, brand=Brand(name="Notes", colour="#123456"))).style != look.style


async def test_asset_that_another_process_named_is_served() -> None:
    style = Assets(lambda: ()).look(POOL).style
    async with PagesWorld().browser() as browser:
        page = await browser.http.get(style)
        assert page.status_code == 200
        assert page.headers["content-type"] == "text/css; charset=utf-8"
        assert (await browser.http.get("/assets/unknown.css")).status_code == 404
        assert (await browser.http.get("/assets/..%2fpage.py")).status_code == 404


def test_logo_is_read_once(tmp_path: Path) -> None:
    logo = tmp_path / "logo.png"
    logo.write_bytes(b"\x89PNG")
    assets = Assets(lambda: ())
    look = assets.look(replace(POOL, brand=Brand(logo=str(logo))))
    logo.unlink()
    asset = assets.get(look.logo.removeprefix("/assets/"))
    assert asset is not None
    assert (asset.kind, asset.content) == ("image/png", b"\x89PNG")
    assert assets.look(replace(POOL, brand=Brand(logo=str(logo)))) == look


def test_drawn_logo_runs_nothing(tmp_path: Path) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_text("<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>")
    assets = Assets(lambda: ())
    asset = assets.get(assets.look(replace(POOL, brand=Brand(logo=str(logo)))).logo.removeprefix("/assets/"))
    assert asset is not None
    assert asset.response().headers["content-security-policy"].endswith("sandbox")


@pytest.mark.parametrize(
    ("name", "size"), [("logo.exe", 1), ("missing.png", None), ("large.png", MAX_LOGO_BYTES + 1)]
)
def test_logo_that_is_none_is_an_error(tmp_path: Path, name: str, size: int | None) -> None:
    path = tmp_path / name
    if size is not None:
        path.write_bytes(bytes(size))
    with pytest.raises(InvalidParameter, match="logo"):
        Assets(lambda: ()).look(replace(POOL, brand=Brand(logo=str(path))))


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("https://app.example/back?x=1", "https://app.example"),
        ("http://127.0.0.1:3000/back", "http://127.0.0.1:3000"),
        ("http://[::1]:3000/back", "http:"),
        ("com.example.app:/back", "com.example.app:"),
        ("", ""),
    ],
)
def test_form_may_lead_to_the_client(uri: str, target: str) -> None:
    """B4: and nowhere else."""
    assert form_target(uri) == target


def test_authenticator_link_keeps_odd_names_apart() -> None:
    link = authenticator_link("Notes & co", "a:b@example.com", "ABCD")
    assert link == "otpauth://totp/Notes%20%26%20co%3Aa%3Ab%40example.com?secret=ABCD&issuer=Notes%20%26%20co"


# Symbols that zbarimg (0.23) has read: SHA-256 of the path, by the length of the content, over versions 1 to 20.
READ_BY_ZBAR = {
    17: "5b0408e2baa308ab",
    32: "f88a29b72d82659a",
    53: "8a5529e1b225d05d",
    78: "ec674f7a1d1a3a34",
    106: "891fbdd6a0e9096c",
    134: "fe6cf33178b3e305",
    154: "1b21d275e8ea9ee3",
    192: "50a66d1460489a38",
    230: "34f3c23966e9844e",
    271: "6c56e09615f63a69",
    321: "0f64b8347cecbcb8",
    367: "8225a3f0c074d734",
    425: "16904dd6ad2a6447",
    458: "9410a5ce42c85b7f",
    520: "d31389eb852fc538",
    586: "5b34de11bbdc7bf9",
    644: "9cf19f66e4e2844a",
    718: "0754bec185dc3bf9",
    792: "7f630d0d8acefb33",
    858: "cff8d3d95b2e92da",
}


@pytest.mark.parametrize("length", READ_BY_ZBAR)
def test_symbols_are_those_that_were_read(length: int) -> None:
    made = qr_path(content_of(length))
    assert made is not None
    assert hashlib.sha256(made[1].encode()).hexdigest()[:16] == READ_BY_ZBAR[length]


def test_what_is_too_long_has_no_symbol() -> None:
    assert qr_path(bytes(858)) is not None
    assert qr_path(bytes(859)) is None


def content_of(length: int) -> bytes:
    return (b"otpauth://totp/x?" + b"abcdefghijklmnopqrstuvwxyz0123456789" * 30)[:length]
