"""Servers with the docker driver on the machine's own engine, which others use, too."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.chaos_engine import EngineView
from tests.support.chaos_site import WHERE, ChaosSite, chaos_folder, serving
from tests.support.engine import Engine
from tests.support.plain_http import Reply

# Says in which container it is, how often its module was used, and what it finds in /tmp; sleeps if it is told to.
CODE = f"""{WHERE}
import json, os, time
calls = 0
def handler(event, context):
    global calls
    before = calls
    calls += 1
    seen = sorted(os.listdir("/tmp"))
    open(f"/tmp/{{context.aws_request_id}}", "w").close()
    time.sleep(float(event.get("queryStringParameters", {{}}).get("sleep", 0)))
    return {{
        "container": CONTAINER, "calls": before, "seen": seen,
        "type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"],
    }}
"""


@contextmanager
def shared_site(
    engine: Engine,
    functions: Mapping[str, Mapping[str, Any]],
    routes: Mapping[str, Mapping[str, Any]] | None = None,
    **server: Any,
) -> Iterator[ChaosSite]:
    """Serving; every function runs `CODE`. Nothing is left of it."""
    with chaos_folder() as folder:
        site = new_site(engine, folder, functions, routes, **server)
        with serving(site):
            yield site
        site.expect_nothing()


def new_site(
    engine: Engine,
    folder: Path,
    functions: Mapping[str, Mapping[str, Any]],
    routes: Mapping[str, Mapping[str, Any]] | None = None,
    **server: Any,
) -> ChaosSite:
    """Not started."""
    (folder / "code").mkdir()
    (folder / "code" / "app.py").write_text(CODE)
    common = {"code": "code", "handler": "app.handler", "timeout": "30s"}
    declared = {name: common | dict(given) for name, given in functions.items()}
    view = EngineView(engine.address)
    return ChaosSite(view, engine.tag("python3.11"), folder, functions=declared, routes=routes, server=server)


def told(reply: Reply) -> dict[str, Any]:
    assert reply.status == 200, reply
    return dict(reply.json())


def at_once(*calls: Callable[[], Reply]) -> list[Reply]:
    """Make all of them at the same time. :returns: their answers, in that order."""
    found: dict[int, Reply] = {}

    def make(number: int, one: Callable[[], Reply]) -> None:
        found[number] = one()

    threads = [threading.Thread(target=make, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[number] for number in range(len(calls))]
