"""Runs the firewall's programs: with a deadline, without a shell, with their own words as the error."""

import asyncio
import os
import shutil
from asyncio.subprocess import DEVNULL, PIPE

_TIMEOUT_S = 15.0  # 5 ms alone; other programs may hold the lock for a while
_FOLDERS = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


class FirewallError(Exception):
    """Rules can't be set here. The message says why, as a part of a sentence."""


def find(program: str) -> str | None:
    """Its path; users who are not root often lack the folders of such programs in PATH."""
    return shutil.which(program, path=_FOLDERS)


async def run(program: str, *arguments: str, text: str = "") -> None:
    """:raises FirewallError: it is not there, failed, or did not end."""
    code, said = await _call(program, arguments, text)
    if code != 0:
        reason = " ".join(said.split()) or f"it ended with {code}"
        raise FirewallError(f"{program} {' '.join(arguments)}: {reason[:300]}")


async def succeeds(program: str, *arguments: str) -> bool:
    """Whether it ends with 0. :raises FirewallError: it is not there, or did not end."""
    code, _ = await _call(program, arguments, "")
    return code == 0


async def _call(program: str, arguments: tuple[str, ...], text: str) -> tuple[int, str]:
    path = find(program)
    if path is None:
        raise FirewallError(f"{program} is not installed")
    # uvloop raises RuntimeError for a write to a program that has ended already, where asyncio's own loop does not.
    stdin = PIPE if text else DEVNULL
    process = await asyncio.create_subprocess_exec(path, *arguments, stdin=stdin, stdout=DEVNULL, stderr=PIPE)
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            _, said = await process.communicate(text.encode() if text else None)
    except TimeoutError as error:
        raise FirewallError(f"{program} did not end within {_TIMEOUT_S:.0f} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, said.decode(errors="replace")
