"""Checks of what a function says of its container: image, network; and of the images of runtimes."""

from collections.abc import Mapping

from executor.drivers.docker.network.allowed import parse_allowed
from kit.positioned_yaml import KeyPath
from lockgate.config.delivered import RUNTIMES
from lockgate.config.grammar.functions import Function, Network
from lockgate.config.grammar.scalars import closest
from lockgate.config.report import Report

# The engine's own: "host" is this machine's network, the others let containers meet (C4).
FORBIDDEN_NETWORKS = ("host", "bridge", "none", "default", "ingress")
BESIDE_CODE = ("handler", "runtime", "layers")
BESIDE_IMAGE = ("command", "entry_point", "working_directory")
_MAX_WORDS = 128  # of a command; Lambda has 1,500 characters, an engine's limit is the kernel's


def check_package(function: Function, path: KeyPath, report: Report) -> None:
    """A function is code or an image, and has no key that belongs to the other."""
    if (function.code is None) == (function.image is None):
        both = function.code is not None
        reason = "a function has one of code and image" if both else "the function has no code"
        hint = "remove one of them" if both else "write code: FOLDER, or image: NAME"
        report.add("function-needs-code", path, reason, hint, at="key")
        return
    if function.image is not None:
        _check_needless(function, BESIDE_CODE, path, report)
        _check_image(function, path, report)
    else:
        _check_needless(function, BESIDE_IMAGE, path, report)


def _check_needless(function: Function, keys: tuple[str, ...], path: KeyPath, report: Report) -> None:
    for key in keys:
        if key not in function.model_fields_set:
            continue
        if keys is BESIDE_CODE:
            reason, hint = f"an image has its own {key}", "remove it"
            if key == "handler":
                hint = f"write command: [{function.handler}]"
        else:
            reason, hint = f"{key} has a meaning only beside image", "remove it"
            if key == "command":
                hint = "write handler:, or remove it"
        report.add("needless-key", (*path, key), reason, hint, at="key")


def _check_image(function: Function, path: KeyPath, report: Report) -> None:
    for key in ("command", "entry_point"):
        words = getattr(function, key)
        if words is None:
            continue
        if not 1 <= len(words) <= _MAX_WORDS:
            reason = f"1 to {_MAX_WORDS} words are needed here"
            report.add("wrong-value", (*path, key), reason, "remove the key, and the image's own holds")
        for index, word in enumerate(words):
            if "\0" in word:
                report.add("wrong-value", (*path, key, index), "no program takes a NUL")
    folder = function.working_directory
    if folder is not None and (not folder.startswith("/") or "\0" in folder):
        here = (*path, "working_directory")
        report.add("wrong-value", here, f'"{folder[:60]}" is not an absolute path', "write /var/task")


def check_network(network: Network, path: KeyPath, report: Report) -> None:
    for index, name in enumerate(network.join):
        here = (*path, "join", index)
        if name in FORBIDDEN_NETWORKS:
            hint = "docker network create db-net, and join: [db-net]"
            report.add("bad-network", here, f'"{name}" is no network for functions', hint)
        elif name in network.join[:index]:
            report.add("bad-network", here, f"{name} is in the list already", "remove it")
    for index, text in enumerate(network.allow):
        here = (*path, "allow", index)
        try:
            parse_allowed(text)
        except ValueError as error:
            reason, _, hint = str(error).rpartition(": ")
            report.add("bad-network", here, reason or hint, hint if reason else "")


def check_images(images: Mapping[str, str], report: Report) -> None:
    for runtime in images:
        if runtime not in RUNTIMES:
            here = ("server", "images", runtime)
            reason = f'there is no runtime "{runtime[:40]}"'
            report.add("unknown-runtime", here, reason, closest(runtime, RUNTIMES), at="key")
