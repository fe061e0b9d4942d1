# ruff: noqa: E501  # a table: one line of code an entry
"""H1–H3: what is a request at all, and how large its head may be."""

from tests.mutants.requirement import Inherent, Line, Requirement

READING = "kit/edge_reading.py"
HEAD = "kit/edge_head.py"


def twins(requirement: str, *names: str) -> tuple[str, ...]:
    """The raw requests of these names, each with its accepted twin, over a socket."""
    file = "tests/unit/kit/test_edge_twins.py::test_refused_and_twin_accepted"
    return tuple(f"{file}[{requirement}-{name}]" for name in names)


def fence(*names: str) -> tuple[str, ...]:
    """Our own rule behind the parser's, asked directly."""
    return tuple(
        f"tests/unit/kit/test_edge_framing.py::test_ambiguous_framing_is_refused[H1-{name}]" for name in names
    )


# fmt: off
H1 = Requirement(
    id="H1",
    title="One reading of where a request ends",
    promise="A request whose end two readers could see in two places is answered 400 and its connection is closed; "
    "nothing behind it is read. So no request can be smuggled past a proxy in front of the gateway.",
    lines=(
        Line(
            holds="no transfer coding but chunked",
            file=READING, old='self._coding != b"chunked" or ', new="",
            tests=twins("H1", "te-gzip-chunked", "te-identity", "te-xchunked", "te-quoted", "te-param", "te-comma"),
        ),
        Line(
            holds="no transfer coding in HTTP/1.0",
            file=READING, old=' or version == "1.0":', new=":",
            tests=twins("H1", "te-http10"),
        ),
        Line(
            holds="never Content-Length beside Transfer-Encoding",
            file=READING, old=" or self._length is not None or", new=" or",
            tests=(*fence("both"), *twins("H1", "te-cl", "cl-te")),
        ),
        Line(
            holds="one Content-Length",
            file=READING, old="            if self._length is not None:\n", new="            if False:\n",
            tests=(*fence("two-lengths"), *twins("H1", "cl-twice-same", "cl-twice-different")),
        ),
        Line(
            holds="one Transfer-Encoding",
            file=READING, old="            if self._coding is not None:\n", new="            if False:\n",
            tests=(*fence("two-codings"), *twins("H1", "te-twice", "te-twice-identity")),
        ),
        Line(
            holds="Content-Length is digits",
            file=HEAD, old="if not value.isdigit() or len(value) > 18:", new="if len(value) > 18:",
            tests=(
                *fence("list-of-lengths", "sign", "empty-length"),
                *twins("H1", "cl-list", "cl-plus", "cl-minus", "cl-hex", "cl-empty", "cl-point"),
            ),
        ),
        Line(
            holds="what the parser refuses is a 400",
            file=READING, old='self.refuse("malformed", 400)', new="pass",
            tests=twins("H1", "bare-cr", "nul-value"),
        ),
        Line(
            holds="nothing behind a refusal is read", file=READING,
            old="        if self._phase == SHUT:\n            self._unaccounted +=", new="        if False:\n            self._unaccounted +=",
            tests=("tests/unit/kit/test_edge_deadlines.py::test_the_rest_of_a_refused_request_is_not_read[H1-late]",),
        ),
    ),
    inherent=(
        Inherent(
            holds="bare CR or LF, folded lines, a blank before the colon, NUL and control characters, malformed chunks",
            reason="llhttp, the parser, refuses these by itself and is given no leniency",
            tests=twins(
                "H1", "bare-lf", "bare-lf-field", "bare-lf-end", "bare-cr", "cr-cr-lf", "obs-fold", "obs-fold-tab",
                "fold-first", "space-colon", "tab-colon", "te-space-colon", "nul-value", "nul-name", "ctl-value", "del-value",
                "empty-name", "no-colon", "name-space", "name-at", "name-high", "chunk-0x", "chunk-bare-lf-size",
                "chunk-bare-lf-ext", "chunk-bare-lf-data", "chunk-too-long", "chunk-space", "chunk-overflow",
                "chunk-negative", "chunk-empty-size", "chunk-not-hex", "trailer-bare-lf", "trailer-te",
            ),
        ),
    ),
)

H2 = Requirement(
    id="H2",
    title="A strict request line and one valid Host",
    promise="HTTP/1.1 and 1.0 only, one Host that is a name or an address, a target that is a path or names the same "
    "host; anything else is answered 400. Trailers never become header fields.",
    lines=(
        Line(
            holds="Host is there", file=READING,
            old='if self._host is None and version == "1.1":', new="if False:",
            tests=twins("H2", "host-missing", "second-host-missing"),
        ),
        Line(
            holds="Host is there once", file=READING,
            old="            if self._host is not None:", new="            if False:",
            tests=twins("H2", "host-twice", "host-twice-different"),
        ),
        Line(
            holds="Host is a host", file=READING,
            old="if not is_valid_host(value):", new="if False:",
            tests=twins("H2", *(f"host-bad-{n}" for n in range(15))),
        ),
        Line(
            holds="a port is at most 65535", file=HEAD,
            old=" and int(match[1] or 0) <= 65535", new="",
            tests=twins("H2", "host-bad-6"),
        ),
        Line(
            holds="no other version", file=READING,
            old='if version not in ("1.1", "1.0"):', new="if False:",
            tests=twins("H2", "version-20", "version-09"),
        ),
        Line(
            holds="no fragment, blank, control or non-ASCII byte in the target", file=HEAD,
            old="if _BAD_TARGET.search(target):", new="if False:",
            tests=twins("H2", "target-fragment", "target-fragment-query", "target-high", "target-del"),
        ),
        Line(
            holds="no asterisk, no other form", file=HEAD,
            old="if match is None or host is None", new="if match is None:\n        return target, query\n    if host is None",
            tests=twins("H2", "target-star", "target-star-options", "target-authority"),
        ),
        Line(
            holds="an absolute target names the same host", file=HEAD,
            old=" or match[1].lower() != host.lower()", new="",
            tests=twins("H2", "absolute-mismatch", "absolute-userinfo", "absolute-empty"),
        ),
        Line(
            holds="trailers never become fields", file=READING,
            old="                raise self._stop(\"trailers_too_large\", 431)\n            return\n",
            new="                raise self._stop(\"trailers_too_large\", 431)\n",
            tests=("tests/unit/kit/test_edge_twins.py::test_a_trailer_never_becomes_a_field",),
        ),
    ),
    inherent=(
        Inherent(
            holds="unknown methods and versions, blanks in the request line",
            reason="llhttp refuses these by itself",
            tests=twins(
                "H2", "version-12", "version-11x", "version-lower", "version-none", "version-comma",
                "version-trailing-space", "method-lower", "method-unknown", "method-tab", "method-empty",
                "target-space", "target-nul", "target-ctl", "target-tab",
            ),
        ),
    ),
)

H3 = Requirement(
    id="H3",
    title="Heads have a size",
    promise="At most 100 fields of 16 KiB each and 32 KiB together, a target of 8 KiB, trailers of 8 KiB: more is answered "
    "431 or 414 and the connection is closed, before memory is spent on it.",
    lines=(
        Line(
            holds="100 fields", file=READING, old="        if count > limits.fields:", new="        if False:",
            tests=twins("H3", "fields-101", "fields-101-underscore"),
        ),
        Line(
            holds="16 KiB a field", file=READING, old="        if size > limits.field_bytes:", new="        if False:",
            tests=twins("H3", "field-16k-1", "name-16k"),
        ),
        Line(
            holds="32 KiB of fields", file=READING, old="        if total > limits.head_bytes:", new="        if False:",
            tests=twins("H3", "head-32k-1"),
        ),
        Line(
            holds="8 KiB of target", file=READING, old="if len(self._target) > self.limits.target_bytes:", new="if False:",
            tests=twins("H3", "target-8k-1"),
        ),
        Line(
            holds="8 KiB of trailers", file=READING, old="if total > limits.trailer_bytes or count", new="if count",
            tests=twins("H3", "trailers-8k"),
        ),
        Line(
            holds="100 trailers", file=READING, old=" or count > limits.fields:", new=":",
            tests=twins("H3", "trailers-101"),
        ),
        Line(
            holds="a field without an end is counted", file=READING,
            old="elif self._phase != READ and self._unaccounted > limits.head_bytes + limits.target_bytes:", new="elif False:",
            tests=twins("H3", "field-unfinished"),
        ),
        Line(
            holds="a trailer or chunk extension without an end is counted", file=READING,
            old="            if self._unaccounted > limits.trailer_bytes:", new="            if False:",
            tests=twins("H3", "trailer-unfinished", "extension-unfinished"),
        ),
        Line(
            holds="requests sent ahead are bounded", file=READING,
            old="if len(self.waiting) >= self.limits.pipelined:", new="if False:",
            tests=twins("H3", "pipeline-66"),
        ),
    ),
)
# fmt: on
REQUIREMENTS = (H1, H2, H3)
