"""What runs in a container of a managed runtime: our bootstrap in the image's interpreter, or the function's own.

Values for one runtime name. The image's program is found by the container's PATH; nothing of the host is used but
our own files, which are mounted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from executor.driver import ChannelKind, StartError
from executor.drivers.docker.places import BOOTSTRAP, RUNTIME, TASK
from executor.language import Installation, Place, language_name, wanted_version
from executor.languages import LANGUAGES, language_of
from executor.revision import FunctionConfig

_PYTHON_BOOTSTRAP = Path(__file__).parents[2] / "runtimes" / "python" / "bootstrap.py"
IMAGE = "image"  # the runtime of functions that are container images


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """:param command: what the container executes. :param files: the language's folder of ours, or None.
    :param variables: what Lambda sets for this language beside the common ones.
    :param takes_slots: its bootstrap can wait for a function.
    :param links: path in the container → what of the runtime folder is shown there.
    :param needs_folder: the client of the Runtime API is in the runtime folder.
    """

    command: tuple[str, ...]
    files: str | None
    channel: ChannelKind
    variables: Mapping[str, str]
    takes_slots: bool
    links: Mapping[str, str] = field(default_factory=dict)
    needs_folder: bool = False


def bootstrap_files() -> dict[str, tuple[Path, ...]]:
    """Our own files by language: each is mounted as one folder."""
    return {"python": (_PYTHON_BOOTSTRAP,)} | {each.name: each.files for each in LANGUAGES if each.files}


def program_of(config: FunctionConfig) -> Program:
    """:raises StartError: no such runtime."""
    name = language_name(config.runtime)
    if name == "python":
        return _python()
    if name == "provided":
        return Program(
            command=(f"{TASK}/bootstrap",),
            files=None,
            channel=ChannelKind.HOST,
            variables={},
            takes_slots=False,
        )
    language = language_of(config.runtime)
    if language is None:
        message = f"The runtime {config.runtime} is not known"
        raise StartError(message, permanent=True, error_type="Runtime.InvalidRuntime")
    there = Installation(
        language=language.name,
        path=Path("node" if name == "nodejs" else name),
        version=wanted_version(config.runtime),
        release=config.runtime,
        home=Path("/usr/local"),
    )
    place = Place(files=BOOTSTRAP, task=TASK, runtime=RUNTIME)
    is_ours = language.channel is ChannelKind.SOCKET
    return Program(
        command=tuple(language.command(there, place, config)),
        files=language.name if language.files else None,
        channel=ChannelKind.SOCKET if is_ours else ChannelKind.HOST,
        variables=language.variables(there, place, config),
        takes_slots=is_ours,
        links=language.links,
        needs_folder=language.needs_folder,
    )


def _python() -> Program:
    return Program(
        command=("python3", f"{BOOTSTRAP}/{_PYTHON_BOOTSTRAP.name}"),
        files="python",
        channel=ChannelKind.SOCKET,
        variables={"LC_CTYPE": "C.UTF-8", "PWD": TASK, "SHLVL": "0", "PYTHONPATH": RUNTIME},
        takes_slots=True,
    )
