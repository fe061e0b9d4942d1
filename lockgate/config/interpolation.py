"""References in string values: ``${env:NAME}``, ``${env:NAME:-default}``, ``${file:PATH}``.

Nothing else is done: no commands, no nesting, never in keys (P4). A default also stands in for an empty
variable, as in a shell. ``$${`` is the text ``${``. Expressions that belong to API Gateway's own language
(``${request.…}``, ``${stageVariables.…}``) pass through. The environment is an argument.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from kit.positioned_yaml import KeyPath, YamlValue
from lockgate.config.report import Report

MAX_FILE_BYTES = 64 * 1024  # keys and certificates; larger files do not belong into a value
_TOKEN = re.compile(r"\$?\$\{(?P<inner>[^{}]*)(?P<close>\}?)")
_VARIABLE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(:-(?P<default>.*))?", re.DOTALL)
_PASSED = re.compile(r"(request|response|context|stageVariables)\.")
_MAYBE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class _Wrong(NamedTuple):
    code: str
    reason: str
    suggestion: str


def interpolate(
    value: dict[str, YamlValue], environ: Mapping[str, str], folder: Path, report: Report
) -> dict[str, YamlValue]:
    """*value* with its references replaced; what cannot be replaced is reported and left as it is.

    :param folder: where relative paths of ``${file:…}`` start.
    """
    return _Interpolation(environ, folder, report).of_mapping(value, ())


class _Interpolation:
    def __init__(self, environ: Mapping[str, str], folder: Path, report: Report) -> None:
        self._environ = environ
        self._folder = folder
        self._report = report

    def of(self, value: YamlValue, path: KeyPath) -> YamlValue:
        if isinstance(value, str):
            return self._text(value, path) if "${" in value else value
        if isinstance(value, list):
            return [self.of(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, dict):
            return self.of_mapping(value, path)
        return value

    def of_mapping(self, value: dict[str, YamlValue], path: KeyPath) -> dict[str, YamlValue]:
        for key in value:
            if re.search(r"\$\{(env|file):", key):
                here = (*path, key)
                self._report.add("reference-in-key", here, suggestion="write the key itself", at="key")
                self._report.poison(here)
        return {key: self.of(item, (*path, key)) for key, item in value.items()}

    def _text(self, text: str, path: KeyPath) -> str:
        if self._report.is_poisoned(path):
            return text
        parts: list[str] = []
        end = 0
        is_wrong = False
        for token in _TOKEN.finditer(text):
            parts.append(text[end : token.start()])
            end = token.end()
            found = self._token(token, path)
            if isinstance(found, _Wrong):
                is_wrong = True
                self._report.add(found.code, path, found.reason, found.suggestion)
            else:
                parts.append(found)
        if is_wrong:
            self._report.poison(path)
            return text
        return "".join(parts) + text[end:]

    def _token(self, token: re.Match[str], path: KeyPath) -> str | _Wrong:
        whole, inner = token[0], token["inner"]
        if whole.startswith("$$"):
            return whole[1:]
        if not token["close"]:
            reason = f"{whole[:40]} has no closing brace"
            return _Wrong("reference-malformed", reason, 'close it with }; for the text itself write "$${"')
        if _PASSED.match(inner):
            return whole
        scheme, colon, rest = inner.partition(":")
        if not colon:
            return _no_scheme(whole, inner)
        if scheme == "env":
            return self._variable(whole, rest, path)
        if scheme == "file":
            return self._file(whole, rest, path)
        if rest.startswith("-"):
            return _Wrong("reference-malformed", f"{whole} names no kind", f'write "${{env:{inner}}}"')
        hint = f'write "${{env:{rest}}}" or "${{file:PATH}}"; for the text itself write "$${{"'
        return _Wrong("reference-unknown", f'there are no references of the kind "{scheme}"', hint)

    def _variable(self, whole: str, rest: str, path: KeyPath) -> str | _Wrong:
        parsed = _VARIABLE.fullmatch(rest)
        if parsed is None:
            hint = "write ${env:NAME} or ${env:NAME:-default}"
            return _Wrong("reference-malformed", f"{whole} does not name a variable", hint)
        name, default = parsed["name"], parsed["default"]
        value = self._environ.get(name)
        if value is None or (value == "" and default is not None):
            if default is not None:
                return default
            hint = f"set it, or write ${{env:{name}:-default}}"
            return _Wrong("reference-unset", f"the environment variable {name} is not set", hint)
        if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            # os.environ shows bytes that are not UTF-8 as lone surrogates, which nothing can send.
            return _Wrong("reference-unreadable", f"the environment variable {name} is not UTF-8 text", "")
        self._report.hide(path, f"${{env:{name}}}", value)
        return value

    def _file(self, whole: str, rest: str, path: KeyPath) -> str | _Wrong:
        place = self._folder / rest
        try:
            if not place.is_file():
                return _Wrong(
                    "reference-unreadable", f"there is no file {rest}", "the path starts at the file's folder"
                )
            with place.open("rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
            value = data.decode("utf-8")
        except UnicodeDecodeError:
            return _Wrong("reference-unreadable", f"{rest} is not UTF-8 text", "")
        except (OSError, ValueError) as error:
            words = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
            return _Wrong("reference-unreadable", f"{rest} cannot be read: {words}", "")
        if len(data) > MAX_FILE_BYTES:
            return _Wrong("reference-unreadable", f"{rest} has more than {MAX_FILE_BYTES:,} bytes", "")
        value = value.removesuffix("\n").removesuffix("\r")
        self._report.hide(path, whole, value)
        return value


def _no_scheme(whole: str, inner: str) -> _Wrong:
    hint = 'write "${env:NAME}"; for the text itself write "$${"'
    if _MAYBE_NAME.fullmatch(inner):
        hint = f'write "${{env:{inner}}}"; for the text itself write "$${whole[1:]}"'
    return _Wrong("reference-malformed", f"{whole} does not say where the value comes from", hint)
