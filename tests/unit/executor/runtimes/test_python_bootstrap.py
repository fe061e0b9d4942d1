"""The Python runtime's own parts, and its life as a process."""

import asyncio
import collections
import decimal
import enum
import glob
import json
import logging
import os
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from awslambdaric.lambda_runtime_marshaller import Encoder
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.runtime_api.replies import RESPONSE_LIMIT_BYTES
from tests.support.runtime_process import BOOTSTRAP, start_runtime
from tests.support.runtime_wire import REQUEST_ID

bootstrap = SimpleNamespace(**runpy.run_path(os.fspath(BOOTSTRAP), run_name="bootstrap"))
Pair = collections.namedtuple("Pair", "left right")  # what functions return


class Colour(enum.IntEnum):
    RED = 1


class Loud(str):
    __slots__ = ()


class Half(float):
    def __repr__(self) -> str:
        return "half"


class Described:
    def _asdict(self) -> dict[str, int]:
        return {"described": 1}


class Misdescribed:
    def _asdict(self) -> int:
        return 1


@pytest.fixture
def work() -> Iterator[Path]:
    with TemporaryDirectory(prefix="lg") as folder:  # pytest's own paths are too long for a socket
        yield Path(folder)


def write(folder: Path, source: str, name: str = "app.py") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(source)
    return folder


# --- JSON ----------------------------------------------------------------------------------------

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(max_size=4),
    st.decimals(),
    st.sampled_from(
        [Colour.RED, Loud("loud"), Half(0.5), Described(), Misdescribed(), Pair, object(), {1}, 1j]
    ),
)
keys = st.one_of(
    st.text(max_size=3),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.binary(max_size=2),
    st.sampled_from([Colour.RED, Loud("k"), (1,), decimal.Decimal(1)]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(keys, inner, max_size=3),
        st.tuples(inner, inner),
        st.builds(Pair, inner, inner),
        st.dictionaries(st.text(max_size=2), inner, max_size=2).map(collections.OrderedDict),
    ),
    max_leaves=8,
)


def outcome(dumps: Any, value: Any) -> str:
    try:
        return str(dumps(value))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("ensure_ascii", [False, True])
def test_results_are_written_as_by_awslambdaric(ensure_ascii: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    version = "11" if ensure_ascii else "12"
    monkeypatch.setenv("AWS_EXECUTION_ENV", f"AWS_Lambda_python3.{version}")
    assert bootstrap._writes_ascii() is ensure_ascii
    theirs, ours = Encoder().encode, bootstrap.Json(ensure_ascii=ensure_ascii).dumps

    @settings(max_examples=600, deadline=None)
    @given(values)
    def compare(value: Any) -> None:
        assert outcome(ours, value) == outcome(theirs, value)

    compare()


@pytest.mark.parametrize(
    "wrap", [lambda value: [value], lambda value: {"a": value}, lambda value: Pair(value, 1)]
)
def test_depth_and_cycles_end_in_the_same_error(wrap: Any) -> None:
    deep: Any = decimal.Decimal(1)
    for _ in range(5000):
        deep = wrap(deep)
    ours = bootstrap.Json(ensure_ascii=False).dumps
    assert outcome(ours, deep).startswith("RecursionError: maximum recursion depth exceeded while encoding")
    loop: list[Any] = [Colour.RED]
    loop.append(wrap(loop))
    assert outcome(ours, loop) == outcome(Encoder().encode, loop) == "ValueError: Circular reference detected"


@pytest.mark.parametrize("body", [b"", b"{", b"[1,]", b"NaN", b'{"a":1}x', b"\xff", b"tru", b'"\\x"'])
def test_events_that_are_not_json_are_unmarshal_errors(body: bytes) -> None:
    with pytest.raises(bootstrap.Fault, match="Unable to unmarshal input: ") as caught:
        bootstrap.parse_event(body, "application/json")
    assert caught.value.error_type == "Runtime.UnmarshalError"


def test_only_the_exact_content_type_is_parsed() -> None:
    assert bootstrap.parse_event(b"\xef\xbb\xbf[1]", "application/json") == [1]
    assert bootstrap.parse_event(b"[1]", "application/json; charset=utf-8") == b"[1]"
    assert bootstrap.parse_event(b"[1]", None) == b"[1]"


# --- path ----------------------------------------------------------------------------------------


def test_function_comes_first_and_the_runtime_folder_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, runtime = tmp_path / "task", tmp_path / "runtime"
    runtime.mkdir()
    ours = os.path.dirname(BOOTSTRAP)
    monkeypatch.setattr(sys, "path", [ours, "", str(runtime), "/usr/lib/python"])
    bootstrap.set_up_path(str(task), str(runtime))
    assert sys.path == [str(task), "/usr/lib/python", str(runtime)]


# --- logging -------------------------------------------------------------------------------------


def test_json_records_carry_extras_but_no_internals() -> None:
    record = logging.makeLogRecord({"msg": {"a": 1}, "levelno": 25, "order": 7, "name": "n"})
    record.aws_request_id, record.tenant_id = REQUEST_ID, None
    entry = json.loads(bootstrap.JsonFormatter().format(record))
    assert entry.pop("timestamp")
    assert entry == {"level": "INFO", "message": {"a": 1}, "logger": "n", "requestId": REQUEST_ID, "order": 7}


# --- as a process --------------------------------------------------------------------------------

PYTHONS = sorted(
    path
    for version in ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
    for path in glob.glob(os.path.expanduser(f"~/.pyenv/versions/{version}*/bin/python"))
) or [sys.executable]

EVERYTHING = """
import collections, decimal, logging, sys
P = collections.namedtuple("P", "a")
def handler(event, context):
    if event == "fail":
        logging.error("failing")
        raise ValueError("é")
    if event == "exit":
        sys.exit(9)
    return [event, P(decimal.Decimal("1.0")), context.function_name, "é"]
"""


@pytest.mark.parametrize("python", PYTHONS, ids=lambda path: path.split("/")[-3])
async def test_every_python_serves(python: str, tmp_path: Path, work: Path) -> None:
    folder = write(tmp_path / "f", EVERYTHING)
    async with start_runtime(folder, "app.handler", work, python=python) as runtime:
        answer = await runtime.invoke(b'{"n":1}', request_id="a-1")
        assert answer.body.decode() == '[{"n": 1}, {"a": 1.0}, "f", "é"]'
        error = json.loads((await runtime.invoke(b'"fail"', request_id="a-2")).body)
        assert error == {
            "errorMessage": "é",
            "errorType": "ValueError",
            "requestId": "a-2",
            "stackTrace": [f'  File "{folder}/app.py", line 7, in handler\n    raise ValueError("é")\n'],
        }
        assert "\ta-2\tfailing\n" in runtime.output()
        assert (await runtime.invoke(b'"exit"', request_id="a-3")).body == b"9"


async def test_result_over_the_limit_keeps_the_environment(tmp_path: Path, work: Path) -> None:
    folder = write(tmp_path / "f", "def handler(event, context): return 'x' * event")
    async with start_runtime(folder, "app.handler", work) as runtime:
        too_large = await runtime.invoke(str(RESPONSE_LIMIT_BYTES).encode(), request_id="a")
        assert too_large.kind == "response_too_large"
        assert (await runtime.invoke(b"2", request_id="b")).body == b'"xx"'


async def test_output_is_out_before_the_answer(tmp_path: Path, work: Path) -> None:
    folder = write(
        tmp_path / "f",
        "import sys\ndef handler(event, context):\n"
        "    sys.stdout.write('out'); sys.stderr.write('err')\n    return 1",
    )
    async with start_runtime(folder, "app.handler", work) as runtime:
        await runtime.invoke(b"1", request_id="a")
        assert sorted((runtime.output()[:3], runtime.output()[3:])) == ["err", "out"]


async def test_closed_streams_do_not_stop_the_runtime(tmp_path: Path, work: Path) -> None:
    folder = write(tmp_path / "f", "import sys\ndef handler(e, c): sys.stdout.close(); return 1")
    async with start_runtime(folder, "app.handler", work) as runtime:
        assert (await runtime.invoke(b"1", request_id="a")).body == b"1"
        assert (await runtime.invoke(b"1", request_id="b")).body == b"1"


async def test_runtime_ends_when_its_channel_closes(tmp_path: Path, work: Path) -> None:
    folder = write(tmp_path / "f", "def handler(event, context): return 1")
    async with start_runtime(folder, "app.handler", work) as runtime:
        await runtime.sink.wait_for("next_asked")
        runtime.channel.close()
        assert await runtime.exit_code() == 1
        assert runtime.output() == ""


async def test_init_error_ends_the_process_with_1(tmp_path: Path, work: Path) -> None:
    folder = write(tmp_path / "f", "raise ValueError('not set up')")
    async with start_runtime(folder, "app.handler", work) as runtime:
        answer = await runtime.invoke(b"1", request_id="a")
        assert answer.kind == "init_error_posted"
        error = json.loads(answer.body)
        assert (error["errorMessage"], error["errorType"], error["requestId"]) == (
            "not set up",
            "ValueError",
            "",
        )
        assert error["stackTrace"][-1] == f'  File "{folder}/app.py", line 1, in <module>\n' + (
            "    raise ValueError('not set up')\n"
        )
        assert await runtime.exit_code() == 1


async def test_lone_surrogates_are_a_marshal_error_and_an_escape(tmp_path: Path, work: Path) -> None:
    """AWS's client ends the process in both cases; here the function's author is told."""
    folder = write(
        tmp_path / "f",
        "def handler(event, context):\n    if event: raise ValueError(chr(0xd800))\n    return chr(0xd800)",
    )
    async with start_runtime(folder, "app.handler", work) as runtime:
        result = json.loads((await runtime.invoke(b"0", request_id="a")).body)
        assert result["errorType"] == "Runtime.MarshalError"
        error = json.loads((await runtime.invoke(b"1", request_id="b")).body)
        assert error["errorMessage"] == "\ud800"


async def test_names_of_ours_hide_no_module_of_the_functions(tmp_path: Path, work: Path) -> None:
    """The zygote's way in: loaded under a name, then `main`."""
    folder = write(tmp_path / "f", "import bootstrap\ndef handler(event, context): return bootstrap.OWN")
    write(folder, "OWN = 'mine'", "bootstrap.py")
    write(folder, "OWN = 'mine'", "executor.py")
    async with start_runtime(folder, "app.handler", work) as runtime:
        assert (await runtime.invoke(b"1", request_id="a")).body == b'"mine"'
    script = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('bootstrap', {os.fspath(BOOTSTRAP)!r})\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "sys.modules['bootstrap'] = module\n"
        "spec.loader.exec_module(module)\n"
        "module.main()\n"
    )
    loader = write(tmp_path / "z", script, "zygote.py") / "zygote.py"
    async with start_runtime(folder, "app.handler", work / "2", script=loader) as runtime:
        assert (await runtime.invoke(b"1", request_id="a")).body == b'"mine"'


async def test_modules_of_the_function_may_be_called_like_the_standard_librarys(
    tmp_path: Path, work: Path
) -> None:
    folder = write(tmp_path / "f", "def handler(event, context): raise ValueError('plain')")
    for name in ("traceback.py", "json.py", "socket.py", "linecache.py"):
        write(folder, "raise RuntimeError('the runtime imported this')", name)
    async with start_runtime(folder, "app.handler", work) as runtime:
        error = json.loads((await runtime.invoke(b"1", request_id="a")).body)
        assert error["errorMessage"] == "plain"


async def test_runtime_speaks_over_a_port_too(tmp_path: Path, work: Path) -> None:
    folder = write(tmp_path / "f", "def handler(event, context): return event")
    async with start_runtime(folder, "app.handler", work, port=True) as runtime:
        assert (await runtime.invoke(b'"x"', request_id="a")).body == b'"x"'


async def test_without_an_address_the_process_says_so(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, os.fspath(BOOTSTRAP), stderr=asyncio.subprocess.PIPE, env={"_HANDLER": "app.handler"}
    )
    _, stderr = await process.communicate()
    assert process.returncode == 1
    assert b"LOCKGATE_RUNTIME_SOCKET" in stderr
