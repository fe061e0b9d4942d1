"""Load by wrk that looks at every answer.

One answer with another status or another body than expected, or one broken connection, and the run is void:
a fast wrong answer is no result. The check runs in wrk's own LuaJIT, a few microseconds an answer; requests
that differ are all made before the load begins.
"""

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """
local ffi = require("ffi")
ffi.cdef("int getpid(); int kill(int, int);")
wrk.method = %(method)s
wrk.body = %(request)s
wrk.headers["Content-Type"] = "application/json"
local expected_status, expected, limit = %(status)d, %(expected)s, %(limit)d
local name, values = %(header)s, %(values)s
local pause_ms = %(pause_ms)d
local threads = {}
bad, seen, first = 0, 0, ""
if pause_ms > 0 then
  function delay() return math.random(0, 2 * pause_ms) end -- not all connections at once
end
function setup(thread) table.insert(threads, thread) end
if values then
  local requests, last = {}, 0
  function init(args)
    for value in io.lines(values) do
      wrk.headers[name] = value
      requests[#requests + 1] = wrk.format()
    end
  end
  function request()
    last = last %% #requests + 1
    return requests[last]
  end
end
function response(status, headers, body)
  seen = seen + 1
  if status ~= expected_status or body ~= expected then
    bad = bad + 1
    if bad == 1 then first = status .. " " .. body:sub(1, 200):gsub("[^ -~]", "?"):gsub('[\\\\"]', "'") end
  end
  if seen == limit then
    wrk.thread:stop()
    ffi.C.kill(ffi.C.getpid(), 2) -- SIGINT; else wrk sleeps out its time
  end
end
function done(summary, latency, requests)
  local bad, seen, first = 0, 0, ""
  for _, thread in ipairs(threads) do
    bad, seen = bad + thread:get("bad"), seen + thread:get("seen")
    if first == "" then first = thread:get("first") end
  end
  local e = summary.errors
  io.write(string.format(
    '\\n{"answers": %%d, "seen": %%d, "bad": %%d, "first": "%%s", "broken": %%d, "timeouts": %%d, ' ..
    '"us": %%d, "p50": %%.1f, "p90": %%.1f, "p99": %%.1f, "max": %%.1f}\\n',
    summary.requests, seen, bad, first, e.connect + e.read + e.write, e.timeout, summary.duration,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max))
end
"""


class LoadFailed(Exception):
    """Not every answer was the expected one, or wrk could not run."""


class NoAnswer(LoadFailed):
    """Nothing came within the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Values of one header; the requests have them in turn."""

    header: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """:param body: :param status: of every answer."""

    url: str
    body: bytes
    status: int = 200
    method: str = "GET"
    request: bytes = b""
    rotation: Rotation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run of wrk saw. Latencies in milliseconds."""

    answers: int
    seconds: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float

    @property
    def rate(self) -> float:
        return self.answers / self.seconds


def run(target: Target, *, connections: int, seconds: float, limit: int = 0, pause_ms: int = 0) -> Run:
    """Load *target* with one thread of wrk.

    :param limit: end after so many answers; 0: only the time ends it.
    :param pause_ms: of a connection between an answer and its next request, on average.
    :raises LoadFailed: with the first wrong answer.
    """
    if shutil.which("wrk") is None:
        raise LoadFailed("wrk is not installed (Debian: apt-get install wrk)")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "check.lua"
        values = Path(folder) / "values"
        rotation = target.rotation
        if rotation is not None:
            values.write_text("".join(f"{value}\n" for value in rotation.values))
        script.write_text(
            _SCRIPT
            % {
                "method": _lua(target.method.encode()),
                "request": _lua(target.request) if target.request else "nil",
                "status": target.status,
                "expected": _lua(target.body),
                "limit": limit,
                "pause_ms": pause_ms,
                "header": _lua(rotation.header.encode()) if rotation else "nil",
                "values": _lua(bytes(values)) if rotation else "nil",
            }
        )
        done = subprocess.run(
            # wrk takes whole seconds only
            ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "20s",
             "-s", str(script), target.url],
            capture_output=True, text=True, timeout=seconds + 60,
        )  # fmt: skip
    if done.returncode != 0:
        raise LoadFailed(f"wrk: {done.stderr.strip() or done.stdout.strip()}")
    return _judge(target, json.loads(done.stdout.strip().splitlines()[-1]))


def _judge(target: Target, saw: dict[str, float]) -> Run:
    if saw["bad"]:
        raise LoadFailed(
            f"{target.url}: {saw['bad']} of {saw['seen']} answers are wrong; first: {saw['first']}"
        )
    if saw["broken"] or saw["timeouts"]:
        raise LoadFailed(f"{target.url}: {saw['broken']} broken connections, {saw['timeouts']} timeouts")
    if not saw["answers"]:
        raise NoAnswer(f"{target.url}: no answer")
    if saw["seen"] != saw["answers"]:
        raise LoadFailed(f"{target.url}: {saw['seen']} of {saw['answers']} answers were looked at")
    return Run(
        answers=int(saw["answers"]),
        seconds=saw["us"] / 1e6,
        p50_ms=saw["p50"] / 1000,
        p90_ms=saw["p90"] / 1000,
        p99_ms=saw["p99"] / 1000,
        max_ms=saw["max"] / 1000,
    )


def _lua(text: bytes) -> str:
    """A Lua string of exactly these bytes."""
    return '"' + "".join(f"\\{byte:03d}" for byte in text) + '"'
