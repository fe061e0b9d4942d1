"""What botocore's model of cognito-idp says of an answer: members known, of their types, required ones there."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.model import OperationModel, ServiceModel, Shape
from botocore.session import Session

# Of the protocol, before any action has looked: no operation lists them.
COMMON_ERRORS = frozenset(
    {
        "AccessDeniedException",
        "IncompleteSignatureException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "SerializationException",
        "UnknownOperationException",
        "UnrecognizedClientException",
        "UnsupportedOperationException",
    }
)


@cache
def service() -> ServiceModel:
    return Session().get_service_model("cognito-idp")


@cache
def operation(action: str) -> OperationModel:
    return service().operation_model(action)


def answer_problems(action: str, status: int, body: Any) -> list[str]:
    """:param body: parsed JSON; None: there was none."""
    if status != 200:
        return error_problems(action, status, body)
    shape = operation(action).output_shape
    if shape is None:
        return [] if body is None else [f"{action} has no answer, and said {body}"]
    return list(problems(shape, body, ""))


def error_problems(action: str, status: int, body: Any) -> list[str]:
    if not isinstance(body, dict) or not isinstance(body.get("__type"), str):
        return [f"no error of the protocol: {body}"]
    code = body["__type"]
    listed = {shape.name for shape in operation(action).error_shapes}
    found = [] if code in listed | COMMON_ERRORS else [f"{action} knows no {code}"]
    if status != (500 if code == "InternalErrorException" else 400):
        found.append(f"{code} came with {status}")
    if not isinstance(body.get("message"), str) or not body["message"]:
        found.append(f"{code} says nothing")
    return found


def problems(shape: Shape, value: Any, where: str) -> Iterator[str]:
    """With JSON as it came, before any client has made something of it."""
    kind = _KINDS[shape.type_name]
    if not isinstance(value, kind) or (isinstance(value, bool) and shape.type_name != "boolean"):
        yield f"{where}: {value!r} is no {shape.type_name}"
        return
    if shape.type_name == "structure":
        yield from _structure(shape, value, where)
    elif shape.type_name == "list":
        for number, one in enumerate(value):
            yield from problems(shape.member, one, f"{where}[{number}]")
    elif shape.type_name == "map":
        for key, one in value.items():
            yield from problems(shape.key, key, f"{where}.key")
            yield from problems(shape.value, one, f"{where}.{key}")
    elif shape.type_name == "string":
        yield from _text(shape, value, where)


def _structure(shape: Any, value: dict[str, Any], where: str) -> Iterator[str]:
    for name in shape.required_members:
        if name not in value:
            yield f"{where}.{name} is missing"
    for name, one in value.items():
        if name not in shape.members:
            yield f"{where}.{name} is unknown"
        else:
            yield from problems(shape.members[name], one, f"{where}.{name}")


def _text(shape: Any, value: str, where: str) -> Iterator[str]:
    limits = {} if shape.name == "CustomAttributeNameType" else shape.metadata  # AWS has 21 characters itself
    if shape.enum and value not in shape.enum:
        yield f"{where}: {value!r} is none of {shape.enum}"
    if not limits.get("min", 0) <= len(value) <= limits.get("max", len(value)):
        yield f"{where}: {len(value)} characters are too few or too many"


_KINDS: dict[str, Any] = {
    "structure": dict,
    "list": list,
    "map": dict,
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "double": (int, float),
    "float": (int, float),
    "timestamp": (int, float),
    "blob": str,
}
