"""How an environment of a function may come to be, by what the function says. Pure; a driver with slots asks it.

A slot's process runs before anybody knows its function. So a waiting process takes a function in only if nothing
of the function acts when a process starts; otherwise a fresh one must be executed, or an environment be made for
the function alone.
"""

import re
from collections.abc import Mapping

import orjson

from executor.driver import EnvironmentShape, StartMode
from executor.revision import FunctionConfig

# Interpreters and the C library read these once, when a process starts: no `os.environ.update` makes up for them.
ACT_AT_START = re.compile(
    r"(?:LD_|PYTHON|JAVA_|MALLOC_|OPENSSL_|SSL_CERT_|LC_|RUBY|GEM_|BUNDLE_).*"
    r"|NODE_OPTIONS|NODE_EXTRA_CA_CERTS|TZ|LANG|LANGUAGE|GLIBC_TUNABLES|AWS_LAMBDA_EXEC_WRAPPER"
)
# Their bootstraps wait before the function is known. A JVM sizes its heap at start; `provided` and `image:` bring a
# runtime of their own that knows no slots.
SLOT_RUNTIMES = re.compile(r"python3\.\d+|nodejs\d+\.x|ruby\d\.\d")


def acting_at_start(variables: Mapping[str, str]) -> str | None:
    """The first of the function's own variables that acts when a process starts, if there is one."""
    return next((name for name in variables if ACT_AT_START.fullmatch(name)), None)


def start_mode_of(config: FunctionConfig) -> StartMode:
    """The fastest way that is right for this function, where a driver has slots."""
    if config.volumes or SLOT_RUNTIMES.fullmatch(config.runtime) is None:
        return StartMode.DIRECT  # a container that runs can be given no further folders
    if acting_at_start(config.environment) is not None:
        return StartMode.EXEC
    return StartMode.WARM


def shape_key(shape: EnvironmentShape) -> str:
    """The same text for shapes that are equal, and only for those: the fleet knows shapes by it."""
    return orjson.dumps(shape, option=orjson.OPT_SORT_KEYS).decode()
