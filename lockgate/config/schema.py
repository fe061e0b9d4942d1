"""The grammar as JSON Schema (draft 2020-12) for editors, and as a map of which keys belong where."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TypeAlias, cast

from kit.positioned_yaml import KeyPath
from lockgate.config.grammar.file import RoutesFile

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
JsonObject: TypeAlias = dict[str, Json]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PLACEHOLDERS = {"routes": "METHOD /path", "functions": "NAME"}


def json_schema() -> JsonObject:
    """The schema of the whole grammar, delivered yet or not; a new value each time."""
    schema = cast(JsonObject, _tidy(cast(JsonObject, RoutesFile.model_json_schema(by_alias=True))))
    return {"$schema": DIALECT, **schema, "title": "Lockgate routes.yaml"}


def _tidy(node: Json) -> Json:
    """Without null (the reader knows none) and without the titles that pydantic makes of field names."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    out: JsonObject = {}
    for key, value in node.items():
        if key in ("properties", "$defs") and isinstance(value, dict):
            out[key] = {name: _tidy(inner) for name, inner in value.items()}
        elif key == "discriminator" or (key == "title" and isinstance(value, str)):
            continue
        elif key != "default" or _is_written_so(value, node):
            out[key] = _tidy(value)
    if "patternProperties" in out:
        out["additionalProperties"] = False
    branches = out.get("anyOf")
    if isinstance(branches, list) and {"type": "null"} in branches:
        del out["anyOf"]
        [only] = (branch for branch in branches if isinstance(branch, dict) and branch != {"type": "null"})
        return {**only, **out}
    return out


def _is_written_so(default: Json, node: JsonObject) -> bool:
    """Whether a default is what one would write: durations are seconds in the models, text in the file."""
    is_text = isinstance(default, str)
    return isinstance(default, str | int | bool) and is_text == (node.get("type", "string") == "string")


@cache
def _schema() -> JsonObject:
    return json_schema()


def known_keys(path: KeyPath) -> tuple[str, ...]:
    """The keys of the grammar at *path*; () where keys are names that the file chooses, or unknown."""
    nodes = [_schema()]
    for step in path:
        nodes = [inner for node in nodes for inner in _inside(node, step)]
    return tuple(dict.fromkeys(key for node in nodes for key in _properties(node)))


@cache
def _homes() -> Mapping[str, tuple[str, ...]]:
    homes: dict[str, list[str]] = {}
    for place, node in _walk(_schema(), ()):
        for key in _properties(node):
            homes.setdefault(key, []).append(".".join(place) or "the top level")
    return {key: tuple(dict.fromkeys(places)) for key, places in homes.items()}


def homes_of(key: str) -> tuple[str, ...]:
    """Where *key* belongs, as a person would write the place: ``functions.NAME``."""
    return _homes().get(key, ())


def _resolve(node: Json) -> Iterator[JsonObject]:
    if not isinstance(node, dict):
        return
    reference = node.get("$ref")
    if isinstance(reference, str):
        definitions = cast(JsonObject, _schema()["$defs"])
        yield from _resolve(definitions[reference.rsplit("/", 1)[1]])
    for word in ("anyOf", "oneOf"):
        branches = node.get(word)
        for branch in branches if isinstance(branches, list) else ():
            yield from _resolve(branch)
    yield node


def _properties(node: JsonObject) -> JsonObject:
    properties = node.get("properties")
    return properties if isinstance(properties, dict) else {}


def _inside(node: JsonObject, step: str | int) -> Iterator[JsonObject]:
    properties = _properties(node)
    if isinstance(step, int):
        yield from _resolve(node.get("items"))
    elif step in properties:
        yield from _resolve(properties[step])
    else:
        yield from _named(node)


def _named(node: JsonObject) -> Iterator[JsonObject]:
    """What stands under names that the file chooses."""
    yield from _resolve(node.get("additionalProperties"))
    patterns = node.get("patternProperties")
    for inner in patterns.values() if isinstance(patterns, dict) else ():
        yield from _resolve(inner)


def _walk(node: JsonObject, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], JsonObject]]:
    yield place, node
    for key in _properties(node):
        for inner in _inside(node, key):
            yield from _walk(inner, (*place, key))
    placeholder = _PLACEHOLDERS.get(place[-1], "NAME") if place else "NAME"
    for inner in _named(node):
        yield from _walk(inner, (*place, placeholder))
