# ruff: noqa: E501, RUF001  # a table: one line of code an entry
"""H7, H8, H13–H16, H18, H20: paths, routes, what functions answer, errors."""

from tests.mutants.requirement import Inherent, Line, Requirement

PATH = "gateway/path.py"
OUTPUT = "gateway/function_output.py"
READING = "tests/unit/gateway/test_one_reading.py"
AMBIGUOUS = "tests/unit/gateway/test_path.py::test_ambiguous_path_is_refused"
MALFORMED = "tests/unit/gateway/test_function_output.py::test_malformed_explicit_response"
KEYS = "tests/unit/gateway/test_route_key.py::test_what_is_no_key_is_refused_with_a_suggestion"
QUERY = "tests/unit/gateway/test_query.py"
APP = "tests/unit/gateway/test_app.py"


def both(test: str, *names: str) -> tuple[str, ...]:
    """In both payload formats."""
    return tuple(f"{test}[{read}-{name}]" for name in names for read in ("read_v1", "read_v2"))


# fmt: off
H7 = Requirement(
    id="H7",
    title="One path for everybody",
    promise="The path is decoded once, and that form is what router, authorizers, functions, logs and metrics see. What two "
    "readers could read differently is answered 400: dot segments, encoded slashes and backslashes, NUL and control characters, "
    "broken percent signs, bytes that are not UTF-8. Slashes are not merged, `;` is data, case counts.",
    lines=(
        Line(
            holds="dot segments", file=PATH,
            old="if not _DOT_SEGMENTS.isdisjoint(segments):", new="if False:",
            tests=tuple(f"{AMBIGUOUS}[H7-{name}]" for name in ("dot", "dot-dot", "dot-dot-inside", "encoded-dot-dot", "half-encoded-dot-dot")),
        ),
        Line(
            holds="dot segments in plain paths", file=PATH,
            old=' and b"/." not in raw_path:', new=":",
            tests=(f"{AMBIGUOUS}[H7-dot-inside]", f"{READING}::test_an_ambiguous_path_reaches_nobody"),
        ),
        Line(
            holds="raw control characters, blanks, backslashes, bytes from 0x80", file=PATH,
            old="if _RAW_FORBIDDEN.search(raw_path) is not None:", new="if False:",
            tests=tuple(f"{AMBIGUOUS}[H7-{name}]" for name in ("space", "raw-utf-8", "backslash", "query", "fragment")),
        ),
        Line(
            holds="broken percent signs", file=PATH,
            old="if _BAD_PERCENT.search(raw_path) is not None:", new="if False:",
            tests=tuple(f"{AMBIGUOUS}[H7-{name}]" for name in ("percent-at-the-end", "half-a-percent", "percent-without-hex", "percent-u")),
        ),
        Line(
            holds="encoded slashes and backslashes", file=PATH,
            old="if _ENCODED_SLASH.search(raw_path) is not None:", new="if False:",
            tests=tuple(f"{AMBIGUOUS}[H7-{name}]" for name in ("encoded-slash", "encoded-slash-upper", "encoded-backslash")),
        ),
        Line(
            holds="what is not UTF-8", file=PATH,
            old='.decode("utf-8")', new='.decode("utf-8", "replace")',
            tests=tuple(f"{AMBIGUOUS}[H7-{name}]" for name in ("encoded-latin-1", "overlong-slash", "encoded-surrogate")),
        ),
        Line(
            holds="encoded NUL and control characters", file=PATH,
            old="if _CONTROL.search(text) is not None:", new="if False:",
            tests=tuple(f"{AMBIGUOUS}[H7-{name}]" for name in ("encoded-nul", "encoded-line-break", "encoded-del", "encoded-c1-control")),
        ),
        Line(
            holds="a path starts with /", file=PATH,
            old='if not raw_path.startswith(b"/"):', new="if False:",
            tests=(f"{AMBIGUOUS}[H7-empty]",),
        ),
        Line(
            holds="decoded once, before routing", file="gateway/pipeline.py",
            old="deployment.stages.select(path.segments)",
            new='deployment.stages.select(request.raw_path.decode("latin-1").split("/")[1:])',
            tests=(f"{READING}::test_router_authorizer_event_and_log_see_one_path",),
        ),
        Line(
            holds="raw bytes in the query", file="gateway/query.py",
            old="    if not text.isprintable():", new="    if False:",
            tests=(f"{QUERY}::test_raw_bytes_that_must_be_encoded_are_refused",),
        ),
    ),
    inherent=(
        Inherent(
            holds="slashes are not merged, `;` is data, case counts",
            reason="no code changes the decoded path",
            tests=("tests/unit/gateway/test_path.py::test_path_is_decoded_once", f"{READING}::test_another_path_is_another_route_everywhere"),
        ),
    ),
)

H8 = Requirement(
    id="H8",
    title="The authorizer of the chosen route decides",
    promise="An authorizer hangs on a route and is asked whenever that route is chosen, whatever the method and the spelling "
    "of the path. There are no checks of prefixes that another spelling could pass. A method that no route can name matches none.",
    lines=(
        Line(
            holds="asked before anything else of the route is done", file="gateway/pipeline.py",
            old="    if plan.authorizer is not None:", new='    if plan.authorizer is not None and request.method != "HEAD":',
            tests=(f"{READING}::test_no_method_and_no_spelling_passes_a_guard",),
        ),
        Line(
            holds="an authorizer of another kind is not lost at load", file="gateway/deployment.py",
            old="    return spec.authorizer\n", new="    return None\n",
            tests=(f"{READING}::test_no_method_and_no_spelling_passes_a_guard",),
        ),
        Line(
            holds="$default is for the methods of routes only", file="gateway/route_table.py",
            old="if self._default is not None and method in METHODS:", new="if self._default is not None:",
            tests=(f"{READING}::test_an_unknown_method_matches_no_route",),
        ),
        Line(
            holds="ANY is every method of routes", file="gateway/route_table.py",
            old="for method in METHODS if key.method == ANY", new="for method in METHODS[:5] if key.method == ANY",
            tests=(f"{READING}::test_no_method_and_no_spelling_passes_a_guard",),
        ),
    ),
)

H13 = Requirement(
    id="H13",
    title="What a function answers is checked before it is sent",
    promise="A status from 200 to 599, header names that are names, values without line breaks or NUL, at most 64 KiB of headers, a body "
    "that is text or canonical base64; framing and hop-by-hop fields are removed. Else the client gets 500 "
    '`{"message":"Internal Server Error"}`. No function can split an answer in two.',
    lines=(
        Line(
            holds="status 200–599", file=OUTPUT,
            old="if type(value) is int and 200 <= value <= 599:", new="if type(value) is int:",
            tests=both(MALFORMED, "H13-interim-status", "H13-upgrade-status", "H13-status-too-large", "H13-negative-status"),
        ),
        Line(
            holds="a status is a number", file=OUTPUT,
            old="if isinstance(value, bool) or not isinstance(value, int) or", new="if isinstance(value, int) and",
            tests=both(MALFORMED, "H13-text-status", "H13-boolean-status", "H13-broken-status", "H13-status-in-a-list"),
        ),
        Line(
            holds="a body is text", file=OUTPUT,
            old="if text is not None and not isinstance(text, str):", new="if False:",
            tests=both(MALFORMED, "H13-object-body", "H13-number-body", "H13-boolean-body"),
        ),
        Line(
            holds="base64 is canonical", file=OUTPUT,
            old="strict_mode=True", new="strict_mode=False",
            tests=("tests/unit/gateway/test_function_output.py::test_undecodable_base64",),
        ),
        Line(
            holds="the base64 flag is a boolean", file=OUTPUT,
            old="if is_base64 is not None and not isinstance(is_base64, bool):", new="if False:",
            tests=both(MALFORMED, "H13-text-flag"),
        ),
        Line(
            holds="cookies are a list", file=OUTPUT,
            old="    if not isinstance(value, list):\n        raise MalformedResponse(\"cookies", new="    if False:\n        raise MalformedResponse(\"cookies",
            tests=("tests/unit/gateway/test_function_output.py::test_malformed_cookies",),
        ),
        Line(
            holds="header names are tokens", file="gateway/response.py",
            old="if known is None and _TOKEN.fullmatch(name) is None:", new="if False:",
            tests=both(MALFORMED, "H13-name-with-space", "H13-empty-name", "H13-name-with-colon", "H13-name-with-line-break"),
        ),
        Line(
            holds="no line break and no NUL in a value", file="gateway/response.py",
            old="if not value.isprintable() and _CONTROL.search(value) is not None:", new="if False:",
            tests=both(MALFORMED, "H13-value-with-line-break", "H13-value-with-lf", "H13-value-with-cr", "H13-value-with-nul"),
        ),
        Line(
            holds="64 KiB of headers", file="gateway/response.py",
            old="    if size > MAX_HEADER_BYTES:", new="    if False:",
            tests=both(MALFORMED, "H13-headers-too-large"),
        ),
        Line(
            holds="no framing and no hop-by-hop fields", file="gateway/response.py",
            old="dropped: Iterable[str] = DROPPED", new="dropped: Iterable[str] = ()",
            tests=("tests/unit/gateway/test_function_output.py::test_headers_of_the_connection_are_dropped",),
        ),
        Line(
            holds="no fields that its connection names", file="gateway/response.py",
            old='if name not in _COMMON and name.lower() == "connection":', new="if False:",
            tests=("tests/unit/gateway/test_function_output.py::test_headers_of_the_connection_are_dropped",),
        ),
        Line(
            holds="the edge counts the line breaks of every head", file="kit/edge_response.py",
            old='if head.count(b"\\n") != lines or head.count(b"\\r") != lines or b"\\0" in head:', new="if False:",
            tests=tuple(f"tests/unit/kit/test_edge_response.py::test_bad_answer_becomes_500[{name}]" for name in ("crlf-in-value", "lf-in-name", "cr", "nul")),
        ),
    ),
)

H14 = Requirement(
    id="H14", title="Answers of upstream servers", promise="Answers of `http:` integrations are bounded in size and time; redirects are not followed.",
    not_yet="there are no `http:` integrations: such a route is refused when the file is loaded.",
)

H15 = Requirement(
    id="H15",
    title="Parsing is bounded and linear",
    promise="A query has at most 1000 pairs, read in order and in time that grows with its length only; so are cookies. "
    "Forms, Accept and Range are the functions' to read: the gateway parses none of them.",
    lines=(
        Line(
            holds="1000 pairs", file="gateway/query.py", old='if text.count("&") >= MAX_PAIRS:', new="if False:",
            tests=(f"{QUERY}::test_pairs_are_bounded",),
        ),
        Line(
            holds="in order", file="gateway/query.py", old='    for part in text.split("&"):', new='    for part in sorted(text.split("&")):',
            tests=(f"{QUERY}::test_query_is_decoded_in_order",),
        ),
    ),
    inherent=(
        Inherent(
            holds="linear time", reason="queries and cookies are cut at `&` and `;`, never searched",
            tests=(f"{QUERY}::test_time_grows_with_length_only", "tests/unit/gateway/test_fields.py::test_cookies_are_split_in_linear_time"),
        ),
    ),
)

H16 = Requirement(
    id="H16",
    title="Routes are no patterns",
    promise="A route key is made of literals, `{name}` and a last `{name+}`; there are no regular expressions. Each segment of a "
    "request is looked up, so 10,000 routes cost what ten cost.",
    lines=(
        Line(
            holds="a variable is a whole segment", file="gateway/route_key.py",
            old='    if "{" in part or "}" in part:', new="    if False:",
            tests=tuple(f"{KEYS}[H16-{name}]" for name in ("variable-in-part-of-a-segment", "pattern-behind-a-variable", "pattern-in-a-variable", "variable-without-name")),
        ),
        Line(
            holds="no wildcards", file="gateway/route_key.py",
            old='_NEVER_LITERAL = re.compile(r"[\\x00-\\x20\\x7f-\\x9f%?#\\\\{}*]")', new='_NEVER_LITERAL = re.compile(r"[\\x00-\\x20\\x7f-\\x9f%?#\\\\{}]")',
            tests=(f"{KEYS}[H16-star-in-a-literal]",),
        ),
        Line(
            holds="greedy variables come last", file="gateway/route_key.py",
            old='if segment.kind == "greedy" and not is_last:', new="if False:",
            tests=(f"{KEYS}[H16-greedy-in-the-middle]",),
        ),
        Line(
            holds="512 characters", file="gateway/route_key.py", old="if len(text) > MAX_KEY_CHARS:", new="if False:",
            tests=(f"{KEYS}[H16-too-long]",),
        ),
        Line(
            holds="looked up, not searched", file="gateway/route_table.py",
            old="child = node.literals.get(segment)", new="child = next((found for text, found in node.literals.items() if segment == text), None)",
            tests=("tests/unit/gateway/test_route_table.py::test_a_segment_is_looked_up_and_not_searched_for",),
        ),
    ),
)

H18 = Requirement(
    id="H18",
    title="Errors say nothing but what they are",
    promise="Fixed JSON texts, the request's id, no stack, no version, no Server field. What happened is in the log under that id.",
    lines=(
        Line(
            holds="a fixed text", file="gateway/errors.py",
            old='orjson.dumps({"message": error.message})', new='orjson.dumps({"message": error.detail})',
            tests=(f"{APP}::test_failed_integration", f"{APP}::test_fault_of_our_own_is_a_plain_500"),
        ),
        Line(
            holds="a fault of our own is a plain 500", file="gateway/app.py",
            old="        except Exception as exc:", new="        except KeyError as exc:",
            tests=(f"{APP}::test_fault_of_our_own_is_a_plain_500",),
        ),
        Line(
            holds="the edge's last fence", file="kit/edge_response.py",
            old='                edge.response_failed(self, "app_failed", 500)', new="                pass",
            tests=("tests/unit/kit/test_edge_response.py::test_application_that_raises_becomes_500_and_is_logged",),
        ),
        Line(
            holds="the request's id", file="gateway/app.py",
            old='[*response.headers, (b"apigw-requestid", request.request_id.encode("ascii"))]', new="[*response.headers]",
            tests=(f"{APP}::test_failed_integration",),
        ),
        Line(
            holds="a refusal has an id too", file="kit/edge_answers.py",
            old='b"apigw-requestid: %b\\r\\nconnection', new='b"x: %b\\r\\nconnection',
            tests=("tests/unit/kit/test_edge_response.py::test_no_answer_names_the_server",),
        ),
    ),
)

H20 = Requirement(
    id="H20", title="WebSockets", promise="Origin is checked, the caller is known before the connection is made, messages are bounded.",
    not_yet="there are no WebSocket routes. An Upgrade is ignored (H11), and an ASGI server that would make the connection is told to close it.",
    inherent=(
        Inherent(
            holds="there are none", reason="the gateway answers no such connection",
            tests=(f"{APP}::test_websockets_are_refused",),
        ),
    ),
)
# fmt: on
REQUIREMENTS = (H7, H8, H13, H14, H15, H16, H18, H20)
