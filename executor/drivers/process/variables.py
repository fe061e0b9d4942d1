"""The variables that only the driver can know, and whether a function's own ones need a fresh interpreter.

Source: Lambda Developer Guide, "Defined runtime environment variables"; values as on Lambda where the path exists.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from executor.driver import ChannelAddress, StartSpec

# Read by the interpreter, the loader or a library when the process starts, so a forked one would miss them.
_ACTS_AT_START = ("LD_", "PYTHON", "MALLOC_", "OPENSSL_", "SSL_CERT_", "LC_")
_ACTS_AT_START_EXACT = frozenset({"TZ", "LANG", "AWS_LAMBDA_EXEC_WRAPPER"})

LAMBDA_PATH = "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"
LAMBDA_LIBRARY_PATH = (
    "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
)
# Functions on a socket channel have no host and port: a well-formed value on which nothing can ever listen.
NO_RUNTIME_API = "127.0.0.1:0"
MARK = "LOCKGATE_MARK"
SOCKET = "LOCKGATE_RUNTIME_SOCKET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where an environment sees its folders.

    :param private: they are at Lambda's paths; else at the host's, and `temporary` is the environment's own.
    :param language: ``…/bin`` of the interpreter, for PATH where ``/var/lang`` does not exist.
    """

    private: bool
    task: str
    runtime: str | None
    channel: str | None
    volumes: Mapping[str, str]
    temporary: str = "/tmp"  # noqa: S108  # the path inside the environment
    language: str | None = None


def needs_fresh_interpreter(environment: Mapping[str, str]) -> bool:
    return any(name in _ACTS_AT_START_EXACT or name.startswith(_ACTS_AT_START) for name in environment)


def has_shared_libraries(package: Path) -> bool:
    """Whether the package counts on LD_LIBRARY_PATH, which the loader reads when a process starts."""
    return any(package.glob("*.so*")) or any((package / "lib").glob("*.so*"))


def all_variables(
    spec: StartSpec, channel: ChannelAddress, layout: Layout, *, locale: str, language: Mapping[str, str]
) -> dict[str, str]:
    """The whole environment: our defaults, then the function's, then what must not be changed.

    :param language: defaults of the function's language.
    """
    defaults = _defaults(layout, locale=locale) | dict(language)
    return defaults | dict(spec.variables) | _fixed(spec, channel, layout)


def python_variables(layout: Layout) -> dict[str, str]:
    variables = {"LC_CTYPE": "C.UTF-8", "PWD": layout.task, "SHLVL": "0"}
    return variables if layout.runtime is None else variables | {"PYTHONPATH": layout.runtime}


def _defaults(layout: Layout, *, locale: str) -> dict[str, str]:
    variables = {"TZ": ":UTC", "LANG": locale, "PATH": LAMBDA_PATH, "LD_LIBRARY_PATH": LAMBDA_LIBRARY_PATH}
    if not layout.private:
        folders = (layout.language, "/usr/local/bin", "/usr/bin", "/bin")
        variables["PATH"] = ":".join(folder for folder in folders if folder)
        variables["LD_LIBRARY_PATH"] = f"{layout.task}:{layout.task}/lib"
        variables["TMPDIR"] = layout.temporary
    return variables


def _fixed(spec: StartSpec, channel: ChannelAddress, layout: Layout) -> dict[str, str]:
    variables = dict(layout.volumes)
    variables[MARK] = spec.mark
    variables["LAMBDA_TASK_ROOT"] = layout.task
    variables["LAMBDA_RUNTIME_DIR"] = layout.runtime or "/var/runtime"
    if channel.port is not None:
        variables["AWS_LAMBDA_RUNTIME_API"] = f"127.0.0.1:{channel.port}"
    else:
        variables["AWS_LAMBDA_RUNTIME_API"] = NO_RUNTIME_API
        variables[SOCKET] = f"{layout.channel}/api.sock"
    return variables
