"""Java as a language of functions: where its programs are, and how AWS's runtime interface client is started."""

import re
from functools import lru_cache
from pathlib import Path

from executor.driver import ChannelKind
from executor.language import Installation, Language, Place
from executor.programs import Search, find
from executor.revision import FunctionConfig
from executor.runtimes.java import folder

# Lambda's, and where the stock image eclipse-temurin has its programs: its own PATH does not reach a function.
PATH_IN_IMAGES = "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin:/opt/java/openjdk/bin"
MAIN_CLASS = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda"

_SEARCH = Search(
    language="java",
    names=re.compile(r"java"),
    folders=(
        "/usr/lib/jvm/*/bin",
        "/opt/*/bin",
        "/Library/Java/JavaVirtualMachines/*/Contents/Home/bin",
        "~/.sdkman/candidates/java/*/bin",
        "~/.jdks/*/bin",
        "~/.asdf/installs/java/*/bin",
        "~/.local/share/mise/installs/java/*/bin",
    ),
    probe=("--version",),
    oldest=(11,),  # 8 does not know --version, and AWS has closed its runtime for new functions
)


@lru_cache(maxsize=4)
def _find(cache: Path | None) -> tuple[Installation, ...]:
    return find(_SEARCH, cache)


def _command(installation: Installation, place: Place, config: FunctionConfig) -> list[str]:
    """As AWS does it: only the runtime is on the class path; its client loads the function by a loader of its own."""
    return [
        str(installation.path),
        *machine_options(config.memory_mb),
        "-cp",
        f"{place.runtime or '/var/runtime'}/lib/*",
        MAIN_CLASS,
        config.handler,
    ]


def machine_options(memory_mb: int) -> list[str]:
    """The heap has 85 % of the memory, as on AWS, and what costs memory for throughput is off.

    ``JAVA_TOOL_OPTIONS`` stands before these for the JVM, so where both set one, this one holds; ``_JAVA_OPTIONS``
    stands behind them.
    """
    return [
        f"-XX:MaxHeapSize={memory_mb * 85 // 100 * 1024}k",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Xshare:auto",
    ]


def _variables(installation: Installation, _place: Place, _config: FunctionConfig) -> dict[str, str]:
    return {} if installation.path.is_absolute() else {"PATH": PATH_IN_IMAGES}


JAVA = Language(
    name="java",
    channel=ChannelKind.PORT,
    files=(),
    find=_find,
    command=_command,
    variables=_variables,
    runtime_folder=folder.installed,
    install="install Java 11 or newer",
    needs_folder=True,
)
