"""The variables that only this driver can know, and the command that gives a program exactly the declared ones.

Source: Lambda Developer Guide, "Defined runtime environment variables"; values as on Lambda.
"""

import re
from collections.abc import Iterable, Mapping

from executor.driver import ChannelAddress
from executor.drivers.docker.places import CHANNEL, GATE, OUTPUT, RUNTIME, SOCKET_NAME, TASK, VOLUMES
from executor.drivers.process.variables import (
    LAMBDA_LIBRARY_PATH,
    LAMBDA_PATH,
    NO_RUNTIME_API,
    SOCKET,
)
from executor.revision import FunctionConfig

SLOT = "LOCKGATE_SLOT"
SHELL = "/bin/sh"
# Lambda's en_US.UTF-8 is in no stock image; this one is in the C library of all of them.
LOCALE = "C.UTF-8"
_SHELL_SETS = ("HOME", "HOSTNAME", "OLDPWD", "PWD", "SHLVL")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

# Read by an interpreter, the loader or a library when a process starts: too late in a process that waits already.
_ACTS_AT_START = (
    "JAVA_", "LC_", "LD_", "MALLOC_", "NODE_EXTRA_CA_CERTS", "NODE_OPTIONS", "OPENSSL_", "PYTHON", "RUBYLIB",
    "RUBYOPT", "SSL_CERT_", "UV_THREADPOOL_SIZE",
)  # fmt: skip
_ACTS_AT_START_EXACT = frozenset({"AWS_LAMBDA_EXEC_WRAPPER", "LANG", "NODE_PATH", "TZ"})


def acts_at_start(environment: Iterable[str]) -> bool:
    """Whether one of the function's own variables needs a process that starts with it."""
    return any(name in _ACTS_AT_START_EXACT or name.startswith(_ACTS_AT_START) for name in environment)


def managed_variables(
    declared: Mapping[str, str],
    *,
    language: Mapping[str, str],
    config: FunctionConfig | None,
    runtime_api: Mapping[str, str],
) -> dict[str, str]:
    """The whole environment of a managed runtime: our defaults, the function's, then what must not be changed.

    :param declared: the function's; for a slot nothing. :param language: defaults of its language.
    """
    defaults = {
        "TZ": ":UTC", "LANG": LOCALE, "PATH": LAMBDA_PATH, "LD_LIBRARY_PATH": LAMBDA_LIBRARY_PATH
    } | dict(language)  # fmt: skip
    return defaults | dict(declared) | volume_variables(config) | _fixed() | dict(runtime_api)


def image_variables(
    declared: Mapping[str, str], *, config: FunctionConfig, handler: str, runtime_api: Mapping[str, str]
) -> dict[str, str]:
    """What an `image:` function gets on top of its image's own. :param handler: the last word of its command."""
    known = {"TZ": ":UTC"} | dict(declared) | volume_variables(config) | _fixed()
    return known | {"_HANDLER": handler} | dict(runtime_api)


def runtime_api_variables(channel: ChannelAddress) -> dict[str, str]:
    if channel.host is not None:
        return {"AWS_LAMBDA_RUNTIME_API": f"{channel.host}:{channel.port}"}
    return socket_variables()


def socket_variables() -> dict[str, str]:
    return {"AWS_LAMBDA_RUNTIME_API": NO_RUNTIME_API, SOCKET: f"{CHANNEL}/{SOCKET_NAME}"}


def volume_variables(config: FunctionConfig | None) -> dict[str, str]:
    return {} if config is None else {name: f"{VOLUMES}/{name}" for name in config.volumes}


def _fixed() -> dict[str, str]:
    return {"LAMBDA_TASK_ROOT": TASK, "LAMBDA_RUNTIME_DIR": RUNTIME}


def exact_command(
    command: Iterable[str],
    declared: Iterable[str],
    image_names: Iterable[str],
    *,
    to_fifo: bool,
    gated: bool = False,
) -> list[str]:
    """An entrypoint that takes away what the engine, the image and the shell add to what is *declared* (C9).

    :param declared: names. :param image_names: of the variables that the image declares.
    :param to_fifo: its output goes to the FIFO. :param gated: it waits at the gate first.
    """
    others = sorted({*_SHELL_SETS, *image_names} - set(declared))
    unset = " ".join(name for name in others if _NAME.match(name))
    redirect = f" >{OUTPUT} 2>&1" if to_fifo else ""
    wait = f"(read -r line <{GATE}); " if gated else ""
    return [SHELL, "-c", f'{wait}unset {unset}; exec "$@"{redirect}', "sh", *command]
