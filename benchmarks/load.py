"""Load by wrk that looks at every answer.

One answer with another status or another body than expected, or one broken connection, and the run is void:
a fast wrong answer is no result. The check runs in wrk's own LuaJIT, a few microseconds an answer.
"""

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """
wrk.method = %(method)s
wrk.body = %(request)s
wrk.headers["Content-Type"] = "application/json"
local expected = %(expected)s
local threads = {}
bad, seen, first = 0, 0, ""
function setup(thread) table.insert(threads, thread) end
function response(status, headers, body)
  seen = seen + 1
  if status ~= 200 or body ~= expected then
    bad = bad + 1
    if bad == 1 then first = status .. " " .. body:sub(1, 200):gsub("[^ -~]", "?"):gsub('[\\\\"]', "'") end
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
class Target:
    url: str
    body: bytes
    method: str = "GET"
    request: bytes = b""


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


def run(target: Target, *, connections: int, seconds: float) -> Run:
    """Load *target* with one thread of wrk.

    :raises LoadFailed: with the first wrong answer.
    """
    if shutil.which("wrk") is None:
        raise LoadFailed("wrk is not installed (Debian: apt-get install wrk)")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "check.lua"
        script.write_text(
            _SCRIPT
            % {
                "method": _lua(target.method.encode()),
                "request": _lua(target.request) if target.request else "nil",
                "expected": _lua(target.body),
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
