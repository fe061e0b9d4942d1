"""The routing rules as one linear scan, written for being obviously right; the trie is compared with it."""

from gateway.route_key import ANY, METHODS, RouteKey

_RANK = {"literal": 0, "variable": 1, "greedy": 2}


def choose(keys: list[RouteKey], method: str, segments: list[str]) -> tuple[RouteKey, dict[str, str]] | None:
    """The best key for a request and its variables: least (greedy?, kinds of segments, ANY?) of all that
    match.
    """
    found = [
        (_specificity(key), key, parameters)
        for key in keys
        if _takes_method(key, method) and (parameters := _parameters(key, segments or [""])) is not None
    ]
    if not found:
        return None
    _, key, parameters = min(found, key=lambda entry: entry[0])
    return key, parameters


def _takes_method(key: RouteKey, method: str) -> bool:
    return method in METHODS and (key.is_default or key.method in (method, ANY))


def _specificity(key: RouteKey) -> tuple[int, list[int], bool]:
    group = 2 if key.is_default else 1 if key.is_greedy else 0
    return group, [_RANK[segment.kind] for segment in key.segments], key.method == ANY


def _parameters(key: RouteKey, segments: list[str]) -> dict[str, str] | None:
    if key.is_default:
        return {}
    if len(segments) < len(key.segments) or (len(segments) > len(key.segments) and not key.is_greedy):
        return None
    parameters = {}
    for index, segment in enumerate(key.segments):
        text = "/".join(segments[index:]) if segment.kind == "greedy" else segments[index]
        if segment.kind == "literal":
            if text != segment.text:
                return None
        elif text == "":
            return None
        else:
            parameters[segment.text] = text
    return parameters
