"""Keys of functions that only containers can honour: refused where functions run as processes, never ignored."""

from collections.abc import Iterator

from lockgate.config.grammar.file import RoutesFile
from lockgate.config.grammar.functions import Function
from lockgate.errors import ConfigurationError

_NEEDS = {
    "image": "an image runs in containers only",
    "network": "processes share this machine's network",
    "sandbox": "processes have no OCI runtime",
    "cpu": "processes share the machine's cores by weight",
}


def refuse_container_keys(file: RoutesFile) -> None:
    """:raises ConfigurationError: naming every function that says something which processes cannot do."""
    lines = []
    for name, function in file.functions.items():
        for key in _container_keys(function):
            line = file.line_of(("functions", name, key))
            place = f"line {line}: " if line else ""
            lines.append(f"{place}functions.{name}.{key}: {_NEEDS[key]}.")
    if lines:
        raise ConfigurationError(
            "\n".join(lines), "Run it with --driver docker, or remove what is named above."
        )


def _container_keys(function: Function) -> Iterator[str]:
    if function.image is not None:
        yield "image"
    network = function.network
    if network.egress != "internet" or network.join or network.allow:
        yield "network"
    if function.sandbox is not None:
        yield "sandbox"
    if function.cpu == "strict":
        yield "cpu"
