"""``lockgate images``: which image each runtime runs in; pull them, or make them of Debian's packages."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from executor.images.catalog import ImageCatalog
from executor.images.engine import ImageEngine
from executor.images.errors import ImageError
from executor.images.offline import build_offline
from executor.images.progress import OnStep, Step
from executor.images.stock import RECIPES, canonical, offline_image
from lockgate.config.delivered import RUNTIMES
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.grammar.scalars import closest
from lockgate.config.resolved import IMAGE_RUNTIME
from lockgate.configuration import load_or_explain
from lockgate.containers import engine_url, policy_of, telling
from lockgate.errors import ExitCode, RuntimeFailure, UsageError
from lockgate.settings import config_paths

AT_ONCE = 2  # pulls share one line, mmdebstraps one disk


def run(arguments: argparse.Namespace) -> int:
    file = load_or_explain(config_paths(arguments))
    engine = ImageEngine(engine_url(file))
    actions: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "list": lambda: _list(engine, file, arguments.name),
        "pull": lambda: _pull(engine, file, arguments.name, as_json=arguments.json),
        "build": lambda: _build(engine, file, arguments.name, as_json=arguments.json),
    }
    try:
        rows = actions[arguments.action]()
    except ImageError as error:
        raise RuntimeFailure(error.what, error.instead) from error
    finally:
        engine.close()
    _show(rows, as_json=arguments.json)
    return ExitCode.OK


def _list(engine: ImageEngine, file: RoutesFile, names: Sequence[str]) -> list[dict[str, Any]]:
    """Asks the engine only: nothing is pulled."""
    catalog = ImageCatalog(engine, replace(policy_of(file), pull="never"))
    engine.arch()  # an engine that is not there is one answer, not one for each row
    return [_row(catalog, name) for name in _wanted(file, names)]


def _row(catalog: ImageCatalog, name: str) -> dict[str, Any]:
    try:
        found = catalog.of_runtime(name) if name in RUNTIMES else catalog.of_reference(name)
    except ImageError as error:
        return {"name": name, "image": "", "id": "", "mb": 0, "problem": error.what}
    mb = found.image.bytes >> 20
    return {"name": name, "image": found.reference, "id": found.id, "mb": mb, "problem": None}


def _pull(
    engine: ImageEngine, file: RoutesFile, names: Sequence[str], *, as_json: bool
) -> list[dict[str, Any]]:
    """Those that come from a registry, whether they are here or not: a tag may have moved."""
    with _progress(quiet=as_json) as on_step:
        catalog = ImageCatalog(engine, replace(policy_of(file), pull="always"), on_step)

        def one(name: str) -> str:
            found = catalog.of_runtime(name) if name in RUNTIMES else catalog.of_reference(name)
            return found.id

        _all(one, _wanted(file, names))
    return _list(engine, file, names)


def _build(
    engine: ImageEngine, file: RoutesFile, names: Sequence[str], *, as_json: bool
) -> list[dict[str, Any]]:
    runtimes = _runtimes(names) if names else sorted({canonical(each) for each in _managed(file)})
    engine.arch()
    with _progress(quiet=as_json) as on_step:
        _all(lambda runtime: build_offline(runtime, engine, on_step), runtimes)
    rows = []
    for runtime in runtimes:
        image = engine.inspect(offline_image(runtime))
        assert image is not None, "it was made just now"
        rows.append(
            {
                "name": runtime,
                "image": offline_image(runtime),
                "id": image.id,
                "mb": image.bytes >> 20,
                "problem": None,
            }
        )
    return rows


def _all(do: Callable[[str], str], names: Sequence[str]) -> None:
    """Some at once; the first error ends it when those that run are done."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="images") as pool:
        for done in [pool.submit(do, name) for name in names]:
            done.result()


def _wanted(file: RoutesFile, names: Sequence[str]) -> list[str]:
    """Runtimes and references: those of the command line, else those of the file's functions."""
    if names:
        return [name if "/" in name or ":" in name else _runtimes([name])[0] for name in names]
    references = {each.image for each in file.resolved_functions().values() if each.image is not None}
    return [*_managed(file), *sorted(references)]


def _managed(file: RoutesFile) -> list[str]:
    """Runtimes that functions use; the default one where there is no function yet."""
    used = {each.runtime for each in file.resolved_functions().values()} or {file.defaults.runtime}
    return sorted(used - {IMAGE_RUNTIME})


def _runtimes(names: Sequence[str]) -> list[str]:
    for name in names:
        if name not in RUNTIMES and name not in RECIPES:
            raise UsageError(
                f"There is no runtime {name!r}.", closest(name, RUNTIMES) or "python3.13 is one."
            )
    return list(names)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[OnStep]:
    """Bars for a person at a terminal, lines for a log."""
    if quiet:
        yield lambda _: None
    elif not sys.stderr.isatty():
        yield telling(lambda text: print(text, file=sys.stderr, flush=True))  # noqa: T201
    else:
        with _bars() as on_step:
            yield on_step


@contextmanager
def _bars() -> Iterator[OnStep]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[amount]}"),
        TimeElapsedColumn(),
    )
    bars: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True)) as progress:

        def on_step(step: Step) -> None:
            key = step.text.partition(": ")[0]  # mmdebstrap's steps of one image share a bar
            if key not in bars:
                bars[key] = progress.add_task(step.text, total=None, amount="")
            progress.update(bars[key], description=step.text, completed=step.done, total=step.total or None)

        yield on_step


def _amount(step: Step) -> str:
    if not step.total:
        return ""
    return f"{step.done}/{step.total}" if step.unit == "steps" else f"{step.done >> 20}/{step.total >> 20} MB"


def _show(rows: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(list(rows), indent=2))  # noqa: T201
        return
    for row in rows:
        if row["problem"]:
            print(f"{row['name']:<16} {row['problem']}")  # noqa: T201
        else:
            identity = row["id"].removeprefix("sha256:")[:12]
            print(f"{row['name']:<16} {row['image']:<40} {identity} {row['mb']:>6} MB")  # noqa: T201
