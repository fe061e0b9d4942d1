# ruff: noqa: E501  # a table: one line of code an entry
"""H4–H6, H9–H12: time, connections, bodies, and what belongs to one connection only."""

from tests.mutants.requirement import Inherent, Line, Requirement
from tests.mutants.requirements.http_framing import HEAD, READING, twins

EDGE = "kit/edge.py"
LIMITS = "kit/edge_limits.py"
PATIENCE = "tests/unit/kit/test_edge_patience.py"
HOPS = "tests/unit/kit/test_edge_hop_by_hop.py"
BODIES = "tests/unit/gateway/test_body_limits.py"

# fmt: off
H4 = Requirement(
    id="H4",
    title="Nobody holds a connection by being slow",
    promise="10 s to the first byte and for a whole head, 30 s and 500 bytes a second (from the fifth second on) for a body, "
    "30 s for a reader that does not read, 65 s of rest between requests. Then 408, or the connection is closed.",
    lines=(
        Line(
            holds="10 s to the first byte", file=EDGE,
            old="else first_byte_s)", new="else inf)",
            tests=(f"{PATIENCE}::test_late_is_refused[H4-first-byte]",),
        ),
        Line(
            holds="10 s for a head", file=READING,
            old="self._deadline = self.loop.time() + self.limits.header_s", new="self._deadline = inf",
            tests=(f"{PATIENCE}::test_late_is_refused[H4-head]",),
        ),
        Line(
            holds="30 s for a body", file=EDGE,
            old='self.refuse("body_timeout", 408)', new="pass",
            tests=(f"{PATIENCE}::test_late_is_refused[H4-body]",),
        ),
        Line(
            holds="500 bytes a second", file=EDGE,
            old="if spent > self.limits.body_grace_s and", new="if False and",
            tests=(f"{PATIENCE}::test_late_is_refused[H4-body-rate]",),
        ),
        Line(
            holds="30 s for a reader", file=EDGE,
            old="if self._writes.is_stalled(", new="if False and self._writes.is_stalled(",
            tests=(f"{PATIENCE}::test_a_reader_that_does_not_read_is_left[H4-not-read]",),
        ),
        Line(
            holds="65 s of rest", file=EDGE,
            old="self._deadline = self.loop.time() + self._idle_s", new="self._deadline = inf",
            tests=(f"{PATIENCE}::test_a_kept_connection_rests_65_seconds[H4-rested-too-long]",),
        ),
        Line(
            holds="the limits are these", file=LIMITS,
            old="header_s: float = 10.0", new="header_s: float = 60.0",
            tests=(f"{PATIENCE}::test_late_is_refused[H4-head]",),
        ),
    ),
)

H6 = Requirement(
    id="H6",
    title="Bodies have a size, and only callers who are let in may send one",
    promise="A body of more than 10 MiB, or more than a function's 6 MiB event can hold, is answered 413: by its declared length "
    "before a byte of it is read, else as soon as it has grown too large. Before the authorizer has let the caller in "
    "nothing of it is asked for beyond the 64 KiB that a connection may hold. Encoded bodies are passed on as they came and never inflated.",
    lines=(
        Line(
            holds="10 MiB by the declared length", file=READING,
            old="if length is not None and length > self.limits.body_bytes:", new="if False:",
            tests=twins("H6", "body-10m-1", "body-10m-1-expect"),
        ),
        Line(
            holds="10 MiB counted", file=READING,
            old="if self._body_bytes > self.limits.body_bytes:", new="if False:",
            tests=twins("H6", "chunked-10m-1"),
        ),
        Line(
            holds="10 MiB also where nobody reads it", file="gateway/pipeline.py",
            old="if (connection.content_length or 0) > MAX_BODY_BYTES:", new="if False:",
            tests=(f"{BODIES}::test_a_body_that_nobody_reads_has_a_limit[H6-more-than-anybody-may-send]",),
        ),
        Line(
            holds="a function's limit by the declared length", file="gateway/connection.py",
            old="if self.content_length is not None and self.content_length > limit_bytes:", new="if False:",
            tests=(f"{BODIES}::test_what_a_function_is_given_at_most[H6-declared-too-large]",),
        ),
        Line(
            holds="a function's limit counted", file="gateway/connection.py",
            old="            if size > limit_bytes:", new="            if False:",
            tests=(f"{BODIES}::test_chunks_are_counted_as_they_come[H6-endless]",),
        ),
        Line(
            holds="6 MiB of event", file="gateway/integrations/function.py",
            old="if len(event) > MAX_EVENT_BYTES:", new="if False:",
            tests=(f"{BODIES}::test_the_event_is_measured_too[H6-too-large-as-base64]",),
        ),
        Line(
            holds="the authorizer first, the body after it", file="gateway/pipeline.py",
            old="    if plan.authorizer is not None:\n", new="    connection.body_now(MAX_BODY_BYTES)\n    if plan.authorizer is not None:\n",
            tests=(f"{BODIES}::test_a_body_is_read_only_for_those_let_in",),
        ),
    ),
    inherent=(
        Inherent(
            holds="encoded bodies are never inflated",
            reason="no code of the gateway decodes a content coding",
            tests=(
                f"{BODIES}::test_an_encoded_body_goes_on_as_it_came[H6-gzip]",
                f"{BODIES}::test_an_encoded_body_goes_on_as_it_came[H6-br]",
            ),
        ),
    ),
)

H11 = Requirement(
    id="H11",
    title="What belongs to one connection ends with it",
    promise="Hop-by-hop fields, and fields that Connection names, are passed on in neither direction; but no client can use "
    "Connection to take away what says who it is. There is no Upgrade, no HTTP/2 by upgrade, no CONNECT and no TRACE.",
    lines=(
        Line(
            holds="hop-by-hop fields of a request", file=READING,
            old="_CONTROL_FIELDS = HOP_BY_HOP | {", new="_CONTROL_FIELDS = {b\"transfer-encoding\", b\"connection\", ",
            tests=(f"{HOPS}::test_a_field_of_the_connection_ends_here",),
        ),
        Line(
            holds="fields that Connection names", file=READING,
            old="fields = without_named(fields, self._connection)", new="pass",
            tests=(f"{HOPS}::test_a_field_that_connection_names_ends_here",),
        ),
        Line(
            holds="but never what identifies the caller", file=HEAD,
            old="for name in named - _KEPT if", new="for name in named if",
            tests=(f"{HOPS}::test_connection_cannot_take_away_what_identifies_the_caller",),
        ),
        Line(
            holds="nor what a proxy of ours has added", file=HEAD,
            old=' if not name.startswith(b"x-forwarded-")}', new="}",
            tests=(f"{HOPS}::test_connection_cannot_take_away_what_identifies_the_caller[H11-x-forwarded-for]",),
        ),
        Line(
            holds="hop-by-hop fields of an answer", file="kit/edge_response.py",
            old="            if name not in _OURS:", new="            if True:",
            tests=(f"{HOPS}::test_an_applications_field_of_the_connection_ends_here",),
        ),
        Line(
            holds="no CONNECT, no TRACE", file=READING,
            old="if method in REFUSED_METHODS:", new="if False:",
            tests=twins("H11", "method-connect", "method-trace", "connect-then-request", "method-source"),
        ),
        Line(
            holds="no protocol is switched to", file=READING,
            old="            self._ignore_upgrade(data[upgrade.args[0] :])", new="            pass",
            tests=(f"{HOPS}::test_no_protocol_is_switched_to",),
        ),
    ),
    inherent=(
        Inherent(
            holds="no HTTP/2 by prior knowledge", reason="the parser knows HTTP/1 only",
            tests=twins("H11", "h2-preface"),
        ),
    ),
)

H12 = Requirement(
    id="H12",
    title="No header name with an underscore",
    promise="`X_User` would be `X-User` to many runtimes. A field whose name has an underscore is dropped and counted.",
    lines=(
        Line(
            holds="dropped and counted", file=READING, old='elif b"_" in name:', new="elif False:",
            tests=(f"{HOPS}::test_a_name_with_an_underscore_is_dropped_and_counted",),
        ),
    ),
)
# fmt: on
REQUIREMENTS = (H4, H6, H11, H12)
