# ruff: noqa: E501  # a table: one line of code an entry
"""H5, H9, H10, H17: how many, from where, for which host, on whose behalf."""

from tests.mutants.requirement import Line, Requirement

CAPS = "tests/unit/kit/test_edge_caps.py"
FORWARDED = "tests/unit/kit/test_forwarded.py"
CORS = "tests/unit/gateway/test_cors.py"

# fmt: off
H5 = Requirement(
    id="H5",
    title="Connections are counted",
    promise="10,000 connections, an eighth of them for one peer (an IPv4 address or IPv6 /64), 10,000 requests on each. One too many is "
    "accepted, answered 503 and closed. Proxies of ours (`trusted_proxies`) have no cap of their own.",
    lines=(
        Line(holds="of all", file="kit/edge_state.py", old="        if total > limits.connections:", new="        if False:", tests=(f"{CAPS}::test_one_connection_too_many_is_told_so[H5-of-all]",)),
        Line(holds="of one peer", file="kit/edge_state.py", old="        if of_peer > limits.peer_cap:", new="        if False:", tests=(f"{CAPS}::test_one_connection_too_many_is_told_so[H5-of-one-peer]",)),
        Line(holds="a place becomes free again", file="kit/edge.py", old="            self.state.peers.leave(self._peer)", new="            pass", tests=(f"{CAPS}::test_one_connection_too_many_is_told_so[H5-of-one-peer]",)),
        Line(holds="requests on one", file="kit/edge_reading.py", old="        self._requests_left -= 1", new="        pass", tests=(f"{CAPS}::test_a_connection_has_so_many_requests",)),
    ),
)

H9 = Requirement(
    id="H9",
    title="Nobody says for himself where he comes from",
    promise="`X-Forwarded-*`, `Forwarded` and `X-Real-IP` of a client are removed and written anew from the connection. Only a peer in "
    "`trusted_proxies` is believed, and of its list the right-most address that is not ours.",
    lines=(
        Line(holds="only trusted peers are believed", file="gateway/request.py", old="        if trust.trusts(peer):", new="        if True:", tests=(f"{FORWARDED}::test_stranger_cannot_say_where_it_comes_from", f"{FORWARDED}::test_no_proxy_is_trusted_unless_told")),
        Line(holds="the right-most that is not ours", file="kit/forwarded.py", old="            if address not in self._networks:\n                break", new="            if False:\n                break", tests=(f"{FORWARDED}::test_source_is_the_right_most_hop_that_is_not_ours",)),
        Line(holds="Forwarded and X-Real-IP are removed", file="gateway/fields.py", old='frozenset({b"forwarded", b"x-real-ip", b"content-length"})', new='frozenset({b"content-length"})', tests=(f"{FORWARDED}::test_stranger_cannot_say_where_it_comes_from",)),
        Line(holds="X-Forwarded-* are removed", file="gateway/fields.py", old="                if raw_name.startswith(_REWRITTEN_PREFIX):", new="                if False:", tests=("tests/unit/gateway/test_fields.py::test_what_a_client_may_not_say_is_removed",)),
    ),
)

H10 = Requirement(
    id="H10",
    title="Only hosts that are ours",
    promise="Once `server.domains` is set, a request for another host is answered 403. Nothing that matters for security is made of Host, "
    "and X-Forwarded-Host is never read.",
    lines=(
        Line(holds="one of the domains", file="gateway/pipeline.py", old="    if names.domains and host.lower() not in names.domains:", new="    if False:", tests=("tests/unit/gateway/test_app.py::test_unknown_host_is_forbidden",)),
        Line(holds="X-Forwarded-Host is removed", file="gateway/fields.py", old='b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"), "")', new='b"x-forwarded-for", b"x-forwarded-proto"), "")\n_COMMON[b"x-forwarded-host"] = "x-forwarded-host"', tests=(f"{FORWARDED}::test_forwarded_host_builds_nothing",)),
    ),
)

H17 = Requirement(
    id="H17",
    title="Only origins that are listed",
    promise="With `cors:` an origin is compared as text with those listed; `*` cannot go with credentials. The gateway answers preflights, "
    "before any authorizer; without `cors:` it does not. What a function says about origins is removed, and every answer varies "
    "by Origin.",
    lines=(
        Line(holds="as text", file="gateway/cors.py", old="grant = self._exact.get(origin)", new="grant = next((found for name, found in self._exact.items() if origin.startswith(name)), None)", tests=(f"{CORS}::test_origin_is_compared_as_text",)),
        Line(holds="one Origin", file="gateway/cors.py", old='if "origin" in fields.repeated:', new="if False:", tests=(f"{CORS}::test_two_origin_headers_are_nobody",)),
        Line(holds="no * with credentials", file="gateway/cors.py", old="    if spec.allow_credentials and ANY in spec.allow_origins:", new="    if False:", tests=(f"{CORS}::test_impossible_spec_is_no_deployment",)),
        Line(holds="a function opens nothing", file="gateway/cors.py", old="            elif not name.startswith(_PREFIX):", new="            else:", tests=(f"{CORS}::test_headers_of_the_integration_are_removed",)),
        Line(holds="Vary", file="gateway/cors.py", old="        headers += self._vary if not vary else", new="        headers += [] if not vary else", tests=(f"{CORS}::test_vary_is_merged",)),
        Line(holds="preflights before the authorizer", file="gateway/pipeline.py", old="        if preflight is not None:", new="        if False:", tests=(f"{CORS}::test_preflight_meets_no_authorizer_throttle_or_integration",)),
        Line(holds="only with cors", file="gateway/pipeline.py", old="    if deployment.cors is not None:\n        preflight =", new="    if request.method == \"OPTIONS\" and deployment.cors is None:\n        return HttpResponse(status=204)\n    if deployment.cors is not None:\n        preflight =", tests=(f"{CORS}::test_twin_without_cors_meets_the_authorizer",)),
    ),
)
# fmt: on
REQUIREMENTS = (H5, H9, H10, H17)
