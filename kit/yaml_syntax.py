"""libyaml's syntax errors in the words of somebody who writes a configuration file. Pure."""

from collections.abc import Mapping

import yaml

_SYNTAX: Mapping[str, tuple[str, str]] = {
    "mapping values are not allowed in this context": (
        'a ":" is not possible here',
        'check the indentation of this line and the one above; text with ": " in it needs quotes',
    ),
    "did not find expected key": (
        "a key was expected here",
        "check the indentation, and that nothing follows a closed quote or bracket",
    ),
    "could not find expected ':'": ('a ":" is missing after this key', "write: key: value"),
    "did not find expected ',' or '}'": (
        'a "," or "}" was expected here',
        "close the { … } before, or put the text in quotes",
    ),
    "did not find expected ',' or ']'": (
        'a "," or "]" was expected here',
        "close the [ … ] before, or put the text in quotes",
    ),
    "found unexpected end of stream": ("the file ends inside a quoted text", "close the quote"),
    "did not find expected '-' indicator": (
        "a list goes on with something that is no list item",
        "start the line with - , or indent it less",
    ),
    "did not find expected <document start>": (
        "the document has ended before this line",
        "check the indentation of this line",
    ),
    "found character that cannot start any token": (
        "this character cannot start a value",
        "put the text in quotes",
    ),
}


def syntax_words(error: yaml.MarkedYAMLError, character: str) -> tuple[str, str]:
    if character == "\t":
        return "a tab cannot indent", "indent with spaces"
    known = _SYNTAX.get(error.problem or "")
    if known is not None:
        return known
    context = f" {error.context}" if error.context else ""
    return f"not YAML:{context}: {error.problem}", ""
