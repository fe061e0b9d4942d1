"""What pages load: one style sheet and one picture for each brand, named by their content and kept for ever.

The brand's colour is in the style sheet, as no style may stand in a page (B4).
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from starlette.responses import Response

from auth.errors import InvalidParameter
from auth.pages.colour import palette
from auth.pool import Brand, Pool

FOLDER = "/assets"
MAX_LOGO_BYTES = 512 * 1024  # each visitor loads it
_KINDS = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
}
_STYLE = Path(__file__).parent / "static" / "pages.css"

# A keyhole on a tile: what stands there until a brand has a logo.
_MARK = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="17" fill="{brand}"/>'
    '<path d="M32 15a10.500 10.500 0 0 0-5.600 19.400L23.500 47a2 2 0 0 0 2 2.500h13a2 2 0 0 0 2-2.500l-2.900-12.600'
    'A10.500 10.500 0 0 0 32 15z" fill="{on_brand}"/></svg>'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """:param name: ``<hash of the content>.<kind>``."""

    name: str
    kind: str
    content: bytes = field(repr=False)

    @property
    def path(self) -> str:
        return f"{FOLDER}/{self.name}"

    def response(self) -> Response:
        return Response(
            self.content,
            media_type=self.kind,
            headers={
                "cache-control": "public, max-age=31536000, immutable",
                # A drawing that somebody opens by itself runs nothing.
                "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
                "x-content-type-options": "nosniff",
                "cross-origin-resource-policy": "same-origin",
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A brand as the pages show it. :param logo, style: addresses on this host."""

    name: str
    logo: str
    style: str


class Assets:
    """Made when first needed. :param pools: all that there are: the page that named an asset may have been another
    process's."""

    def __init__(self, pools: Callable[[], Iterable[Pool]]) -> None:
        self._pools = pools
        self._looks: dict[tuple[Brand, str], Look] = {}
        self._by_name: dict[str, Asset] = {}
        self._style = _STYLE.read_text(encoding="utf-8")

    def look(self, pool: Pool | None) -> Look:
        """:raises InvalidParameter: the logo cannot be read, is too large or is no picture."""
        brand = pool.brand if pool else Brand()
        name = brand.name or (pool.name if pool else "")
        known = self._looks.get((brand, name))
        if known is None:
            known = self._looks[brand, name] = self._make(brand, name)
        return known

    def get(self, name: str) -> Asset | None:
        if name not in self._by_name:
            for pool in (None, *self._pools()):
                self.look(pool)
        return self._by_name.get(name)

    def _make(self, brand: Brand, name: str) -> Look:
        colours = palette(brand.colour)
        root = (
            f":root{{--brand:{colours.brand};--on-brand:{colours.on_brand};"
            f"--accent-light:{colours.accent};--accent-dark:{colours.accent_dark}}}\n"
        )
        style = self._keep((root + self._style).encode(), ".css", "text/css; charset=utf-8")
        logo = self._logo(brand.logo) if brand.logo else None
        if logo is None:
            mark = _MARK.format(brand=colours.brand, on_brand=colours.on_brand)
            logo = self._keep(mark.encode(), ".svg", _KINDS[".svg"])
        return Look(name=name, logo=logo.path, style=style.path)

    def _logo(self, path: str) -> Asset:
        suffix = Path(path).suffix.lower()
        if suffix not in _KINDS:
            raise InvalidParameter(f"{path}: a logo is one of {', '.join(_KINDS)}.")
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise InvalidParameter(f"{path}: the logo cannot be read ({error.strerror}).") from error
        if len(content) > MAX_LOGO_BYTES:
            raise InvalidParameter(f"{path}: a logo has at most {MAX_LOGO_BYTES // 1024} KiB.")
        return self._keep(content, suffix, _KINDS[suffix])

    def _keep(self, content: bytes, suffix: str, kind: str) -> Asset:
        name = hashlib.sha256(content).hexdigest()[:20] + suffix
        asset = Asset(name=name, kind=kind, content=content)
        self._by_name[name] = asset
        return asset
