"""Whether the images that functions run in are on the engine. Nothing is pulled."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from executor.images.catalog import ImageCatalog, ImagePolicy
from executor.images.engine import ImageEngine
from executor.images.errors import ImageError
from executor.images.stock import RECIPES, canonical
from lockgate.config.grammar.file import RoutesFile
from lockgate.doctor.row import Row, Verdict

GROUP = "images"


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """:param ids: runtime → image id, of those that are there."""

    rows: tuple[Row, ...]
    ids: Mapping[str, str]


def look(address: str, file: RoutesFile | None) -> Images:
    """:param file: None: what the engine has is listed, for nothing is asked for."""
    engine = ImageEngine(address)
    if file is None:
        return _offline(engine)
    catalog = ImageCatalog(engine, ImagePolicy(images=file.server.images, pull="never"))
    ids: dict[str, str] = {}
    rows = tuple(_rows(catalog, file, ids))
    return Images(rows=rows, ids=ids or _offline(engine).ids)


def _rows(catalog: ImageCatalog, file: RoutesFile, ids: dict[str, str]) -> Iterator[Row]:
    used = [each.runtime or file.defaults.runtime for each in file.functions.values() if each.image is None]
    for runtime in dict.fromkeys(canonical(name) for name in used):
        try:
            found = catalog.of_runtime(runtime)
        except ImageError as error:
            yield _lacking(runtime, error, pulls=file.server.pull != "never")
        else:
            ids[runtime] = found.id
            yield Row(group=GROUP, check=runtime, verdict=Verdict.OK, found=found.reference)
    for reference in dict.fromkeys(each.image for each in file.functions.values() if each.image is not None):
        try:
            catalog.of_reference(reference)
        except ImageError as error:
            yield _lacking(reference, error, pulls=file.server.pull != "never")
        else:
            yield Row(group=GROUP, check=reference, verdict=Verdict.OK, found="on the engine")


def _lacking(name: str, error: ImageError, *, pulls: bool) -> Row:
    can_pull = pulls and error.code == "missing"
    return Row(
        group=GROUP,
        check=name,
        verdict=Verdict.WEAK if can_pull else Verdict.MISSING,
        found="not on the engine" if can_pull else error.what,
        follows="It is pulled when the server starts, which needs the registry." if can_pull else "",
        do=error.instead,
    )


def _offline(engine: ImageEngine) -> Images:
    catalog = ImageCatalog(engine, ImagePolicy(images={}, pull="never"))
    ids = {}
    for runtime in RECIPES:
        try:
            ids[runtime] = catalog.of_runtime(runtime).id
        except ImageError:  # only what is there counts
            continue
    found = ", ".join(ids) or "none of a language"
    row = Row(
        group=GROUP,
        check="languages",
        verdict=Verdict.OK,
        found=f"{found} (no routes file says what is needed)",
    )
    return Images(rows=(row,), ids=ids)
