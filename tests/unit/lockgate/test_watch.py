"""A save is heard, requests wait for it, and what comes to be watched only now is not missed."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from lockgate.hold import Hold
from lockgate.watch import Watcher
from lockgate.watched import Watched


class App:
    """An ASGI application that counts its requests."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        self.count += 1


class Watching:
    """A watcher of one code folder, one file and whatever a test adds; each reload waits for its `go`."""

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self.folders = {self.home / "code"}
        self.app = App()
        self.hold = Hold(self.app, longest_s=5)
        self.reloads = 0
        self.go = asyncio.Event()
        self.go.set()
        self.turn = asyncio.Condition()
        (self.home / "code").mkdir()
        self.watcher = Watcher(self.look, self.reload, self.hold)

    def look(self) -> Watched:
        return Watched(
            home=self.home,
            folders=frozenset(self.folders),
            files=frozenset({self.home / "routes.yaml"}),
            ignored=frozenset(),
        )

    async def reload(self) -> None:
        async with self.turn:
            self.reloads += 1
            self.turn.notify_all()
        await self.go.wait()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10), self.turn:
            await self.turn.wait_for(holds)

    async def request(self) -> None:
        await self.hold({}, None, None)  # type: ignore[arg-type]  # it looks at none of them


@pytest.fixture
async def watching(tmp_path: Path) -> AsyncIterator[Watching]:
    made = Watching(tmp_path)
    begun = asyncio.Event()
    task = asyncio.create_task(made.watcher.run(begun.set))
    await begun.wait()
    yield made
    task.cancel()
    await asyncio.wait([task])
    await made.request()  # the end lets all go on


async def test_each_save_is_heard_whatever_its_time_and_size(watching: Watching) -> None:
    """Two saves within a tick of the clock have equal times; these have equal sizes, too."""
    file = watching.home / "code" / "app.py"
    for number in range(5):
        file.write_text(str(number))
        await watching.until(lambda number=number: watching.reloads > number)


@pytest.mark.parametrize("path", ["routes.yaml", "code/new/deep.py"])
async def test_what_appears_is_heard(watching: Watching, path: str) -> None:
    place = watching.home / path
    place.parent.mkdir(exist_ok=True)
    place.write_text("x")
    await watching.until(lambda: watching.reloads > 0)


async def test_file_that_is_replaced_by_another_is_heard(watching: Watching) -> None:
    """As editors save: write beside it, then rename."""
    for number in range(3):
        draft = watching.home / "draft"
        draft.write_text(str(number))
        draft.rename(watching.home / "routes.yaml")
        await watching.until(lambda number=number: watching.reloads > number)


async def test_requests_wait_from_a_save_until_it_is_taken_in(watching: Watching) -> None:
    watching.go.clear()
    (watching.home / "code" / "app.py").write_text("x")
    await watching.until(lambda: watching.reloads == 1)
    waiting = asyncio.create_task(watching.request())
    await asyncio.sleep(0)
    assert watching.app.count == 0
    watching.go.set()
    await waiting
    assert watching.app.count == 1


async def test_save_during_a_reload_is_one_more_before_requests_go_on(watching: Watching) -> None:
    watching.go.clear()
    file = watching.home / "code" / "app.py"
    file.write_text("x")
    await watching.until(lambda: watching.reloads == 1)
    waiting = asyncio.create_task(watching.request())
    file.write_text("y")
    async with asyncio.timeout(10):
        await watching.watcher._changed.wait()
    assert watching.watcher.is_behind
    watching.go.set()
    await waiting
    assert watching.reloads == 2


async def test_folder_that_comes_to_be_named_is_watched_and_taken_in_once_more(watching: Watching) -> None:
    """Between the reload that read it and the watch on it a save would be missed: so it is read again."""
    other = watching.home / "other"
    other.mkdir()
    watching.folders.add(other)
    (watching.home / "routes.yaml").write_text("x")
    await watching.until(lambda: watching.reloads == 2)
    await watching.request()
    before = watching.reloads
    (other / "app.py").write_text("x")
    await watching.until(lambda: watching.reloads > before)


async def test_folder_that_goes_and_comes_is_watched_again(watching: Watching) -> None:
    """As a branch is changed: the operating system's watch goes with the folder."""
    code = watching.home / "code"
    shutil.rmtree(code)
    await watching.until(lambda: watching.watcher.watch.deep == [])
    code.mkdir()
    await watching.until(lambda: watching.watcher.watch.deep == [str(code)])
    await watching.request()
    before = watching.reloads
    (code / "app.py").write_text("x")
    await watching.until(lambda: watching.reloads > before)


async def test_request_waits_a_bounded_time() -> None:
    app = App()
    hold = Hold(app, longest_s=0.01)
    hold.close()
    await hold({}, None, None)  # type: ignore[arg-type]  # as above
    assert app.count == 1
