"""Node.js as a language of functions: where its programs are, what starts one, what its environment holds."""

import re
from functools import lru_cache
from pathlib import Path

from executor.driver import ChannelKind
from executor.language import Installation, Language, Place, wanted_version
from executor.programs import Search, find
from executor.revision import FunctionConfig
from executor.runtimes.node import folder

BOOTSTRAP = Path(__file__).with_name("bootstrap.mjs")

_SEARCH = Search(
    language="nodejs",
    names=re.compile(r"node(js)?(-?\d+)?"),
    folders=(
        "/opt/*/bin",
        "/usr/local/n/versions/node/*/bin",
        "~/.nvm/versions/node/*/bin",
        "~/.volta/tools/image/node/*/bin",
        "~/.local/share/fnm/node-versions/*/installation/bin",
        "~/.asdf/installs/nodejs/*/bin",
        "~/.local/share/mise/installs/node/*/bin",
    ),
    probe=("-p", "JSON.stringify({release: process.versions.node})"),
    oldest=(16,),  # AWS's oldest that still runs functions; the bootstrap is kept working down to here
)


@lru_cache(maxsize=4)
def _find(cache: Path | None) -> tuple[Installation, ...]:
    return find(_SEARCH, cache)


def _command(installation: Installation, place: Place, config: FunctionConfig) -> list[str]:
    return [str(installation.path), *heap_options(config.memory_mb), f"{place.files}/{BOOTSTRAP.name}"]


def heap_options(memory_mb: int) -> list[str]:
    """V8 sizes its heap by the machine's memory, and so would fill a function's long before it collects.

    Nine tenths of the memory for old objects: what V8 does not count (code, buffers, stacks) has the rest, and a
    function that holds too much dies of its limit, as on Lambda.
    """
    return [f"--max-old-space-size={max(64, memory_mb * 9 // 10)}"]


def node_path(major: int, task: str, runtime: str | None) -> str:
    """Source: Lambda Developer Guide, "Defined runtime environment variables", NODE_PATH."""
    last = runtime or "/var/runtime"
    return ":".join(
        (
            f"/opt/nodejs/node{major}/node_modules",
            "/opt/nodejs/node_modules",
            f"{last}/node_modules",
            last,
            task,
        )
    )


def _variables(installation: Installation, place: Place, _: FunctionConfig) -> dict[str, str]:
    return {
        "NODE_PATH": node_path(installation.version[0], place.task, place.runtime),
        "PWD": place.task,
        "SHLVL": "0",
    }


NODE = Language(
    name="nodejs",
    channel=ChannelKind.SOCKET,
    files=(BOOTSTRAP,),
    find=_find,
    command=_command,
    variables=_variables,
    runtime_folder=folder.installed,
    install="install Node.js 16 or newer",
    # Node.js looks along NODE_PATH for `require` only, Lambda's for `import`, too.
    links={"/node_modules": "/var/runtime/node_modules"},
    # process.execve is there since 22.15 and 23.11.
    can_exec=lambda runtime: wanted_version(runtime) >= (22,),
)
