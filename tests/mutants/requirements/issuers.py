# ruff: noqa: E501  # a table: one line of code an entry
"""J15, J16, J19: where keys come from, and functions that authorize."""

from tests.mutants.requirement import Inherent, Line, Requirement

SCHEDULE = "gateway/issuers/schedule.py"
KEYS = "gateway/issuers/issuer_keys.py"
FETCH = "kit/fetch.py"
FUNCTION = "gateway/authorizers/function"
KEY_TESTS = "tests/unit/gateway/issuers/test_issuer_keys.py"
BOUNDS = "tests/unit/gateway/issuers/test_schedule.py::test_the_requirements_bounds_are_kept"
SOURCE_TESTS = "tests/unit/gateway/issuers/test_source.py"
FETCH_TESTS = "tests/unit/kit/test_fetch.py"
ROWS = "tests/unit/gateway/function_authorizer/test_rows.py"
CACHE = "tests/unit/gateway/function_authorizer/test_cache.py"
POLICY = "tests/unit/gateway/function_authorizer/test_policy.py"

# fmt: off
J15 = Requirement(
    id="J15",
    title="An issuer is asked seldom",
    promise="Keys are fresh for 15 minutes and kept for a day while the issuer is away. Whatever tokens name, an issuer is asked once in "
    "30 s, by one fetch for all who wait, and their number is bounded.",
    lines=(
        Line(holds="once in 30 s", file=KEYS, old="if not self._schedule.may_fetch(now):", new="if False:", tests=(f"{KEY_TESTS}::test_ten_thousand_unknown_kids_cost_one_fetch_per_30_seconds",)),
        Line(holds="30 s", file=SCHEDULE, old="REFETCH_S = 30.0", new="REFETCH_S = 1.0", tests=(BOUNDS,)),
        Line(holds="also after a fetch that failed", file=SCHEDULE, old="        self._not_before = now + REFETCH_S", new="        pass", tests=(f"{KEY_TESTS}::test_an_outage_is_asked_about_every_30_seconds_at_most",)),
        Line(holds="one fetch at a time", file=KEYS, old="        if self._landed is not None:\n            return True", new="        if False:\n            return True", tests=(f"{KEY_TESTS}::test_a_flood_while_a_fetch_hangs_waits_in_bounded_number",)),
        Line(holds="so many wait for it", file=KEYS, old="if key is None and self._waiting < MAX_WAITERS and self._begin():", new="if key is None and self._begin():", tests=(f"{KEY_TESTS}::test_a_flood_while_a_fetch_hangs_waits_in_bounded_number",)),
        Line(holds="fresh for 15 minutes", file=SCHEDULE, old="self._stale_at = now + FRESH_S", new="self._stale_at = now + 4 * FRESH_S", tests=(f"{KEY_TESTS}::test_a_look_up_of_stale_keys_is_answered_at_once_and_begins_a_fetch",)),
        Line(holds="kept while the issuer is away", file=SCHEDULE, old="return self.has_keys and now - self._fetched_at >= KEPT_S", new="return self.has_keys and self.is_stale(now)", tests=(f"{KEY_TESTS}::test_stale_keys_are_used_while_the_issuer_is_away",)),
    ),
)

J16 = Requirement(
    id="J16",
    title="An issuer's answers are not trusted",
    promise="Discovery and keys are fetched over https (http to this machine, or where the file allows it), without following redirects, "
    "256 KiB and 5 s at most, 100 keys at most. The discovery document must name the configured issuer exactly, and its "
    "`jwks_uri` may not lead to inner addresses that nobody configured.",
    lines=(
        Line(holds="https", file=FETCH, old='if parsed.scheme != "https" and not (allow_http or parsed.is_loopback):', new="if False:", tests=(f"{FETCH_TESTS}::test_plain_http_beyond_loopback_is_refused",)),
        Line(holds="http to this machine only", file=FETCH, old='if url.scheme == "http" and not (allow_http or peer_address.is_loopback(address)):', new="if False:", tests=(f"{FETCH_TESTS}::test_plain_http_to_a_localhost_elsewhere_is_refused",)),
        Line(holds="a certificate", file=FETCH, old="httpx.AsyncClient(verify=tls,", new="httpx.AsyncClient(verify=False,", tests=(f"{FETCH_TESTS}::test_a_server_with_an_unknown_certificate_is_refused",)),
        Line(holds="no redirects", file=FETCH, old="    if 300 <= status < 400:", new="    if False:", tests=(f"{FETCH_TESTS}::test_a_redirect_is_not_followed",)),
        Line(holds="256 KiB counted", file=FETCH, old="if len(body) > limit_bytes:  # J16", new="if False:  # J16", tests=(f"{FETCH_TESTS}::test_a_body_over_the_limit_is_refused_while_it_comes",)),
        Line(holds="nothing is inflated", file=FETCH, old='if response.headers.get("content-encoding", "identity").lower() != "identity":', new="if False:", tests=(f"{FETCH_TESTS}::test_a_compressed_answer_is_refused",)),
        Line(holds="one deadline", file=FETCH, old="async with asyncio.timeout(timeout_s):", new="async with asyncio.timeout(None):", tests=(f"{FETCH_TESTS}::test_the_deadline_is_for_everything_together",)),
        Line(holds="256 KiB and 5 s", file="gateway/issuers/source.py", old="MAX_DOCUMENT_BYTES = 256 * 1024", new="MAX_DOCUMENT_BYTES = 1024 * 1024", tests=(f"{SOURCE_TESTS}::test_both_documents_are_asked_for_under_the_same_rules",)),
        Line(holds="100 keys", file="kit/jwt/keys.py", old="    if len(entries) > MAX_KEYS:", new="    if False:", tests=(f"{SOURCE_TESTS}::test_no_more_than_a_hundred_keys_are_taken",)),
        Line(holds="the issuer's own document", file="gateway/issuers/discovery.py", old="if said != issuer:  # J16", new="if False:  # J16", tests=(f"{SOURCE_TESTS}::test_discovery_of_another_issuer_is_refused", f"{SOURCE_TESTS}::test_discovery_with_another_slash_is_refused")),
        Line(holds="no inner address that nobody configured", file=FETCH, old="is_configured=url.host in configured_hosts,", new="is_configured=True,", tests=(f"{SOURCE_TESTS}::test_keys_are_not_fetched_from_where_the_issuer_may_not_send_us",)),
    ),
)

J19 = Requirement(
    id="J19",
    title="A function that authorizes closes when it fails",
    promise="Without a value at each identity source it is not called (401). Whatever it answers but one of the documented shapes, a "
    "timeout or an exception closes the route (500, or 503 where trying again helps). A kept answer holds for the caller, stage, "
    "route and method that it was given for; a kept policy is evaluated for each request, and Deny wins.",
    lines=(
        Line(holds="an identity", file=f"{FUNCTION}/identity.py", old="    if not any(values):", new="    if False:", tests=("tests/unit/gateway/function_authorizer/test_identity.py::test_identity_is_there_or_401_without_a_call",)),
        Line(holds="a denial is one", file=f"{FUNCTION}/authorizer.py", old="        if not verdict.is_allowed:", new="        if False:", tests=(f"{ROWS}::test_a_denial_is_403",)),
        Line(holds="an exception closes", file=f"{FUNCTION}/call.py", old='        if "x-amz-function-error" not in answer.headers:', new="        if True:", tests=(f"{ROWS}::test_no_answer_closes",)),
        Line(holds="a status but 200 closes", file=f"{FUNCTION}/call.py", old="        if answer.status != 200:", new="        if False:", tests=(f"{ROWS}::test_no_answer_closes",)),
        Line(holds="a timeout closes", file=f"{FUNCTION}/call.py", old='            return Failure("authorizer_timeout", f"{self.name} gave', new='            return self._read(b\'{"isAuthorized": true}\')\n            return Failure("authorizer_timeout", f"{self.name} gave', tests=(f"{ROWS}::test_no_answer_closes",)),
        Line(holds="what is not JSON closes", file=f"{FUNCTION}/answer.py", old='        raise AnswerError("it is not JSON") from exc', new='        found = {"isAuthorized": True}', tests=(f"{ROWS}::test_bytes_that_are_no_answer_are_500",)),
        Line(holds="isAuthorized is a boolean", file=f"{FUNCTION}/answer.py", old="    if not isinstance(is_authorized, bool):", new="    if False:", tests=(f"{ROWS}::test_a_simple_answer_of_another_shape_is_500",)),
        Line(holds="64 KiB", file=f"{FUNCTION}/answer.py", old="    if len(payload) > MAX_ANSWER_BYTES:", new="    if False:", tests=(f"{ROWS}::test_an_answer_has_a_limit",)),
        Line(holds="kept for a route and method", file=f"{FUNCTION}/identity.py", old="    if is_per_route:", new="    if False:", tests=(f"{CACHE}::test_a_simple_answer_holds_for_caller_stage_route_and_method",)),
        Line(holds="kept for a stage", file=f"{FUNCTION}/identity.py", old="    parts = [exchange.stage.name]", new="    parts: list[str] = []", tests=(f"{CACHE}::test_policies_are_not_shared_over_stages",)),
        Line(holds="kept for a caller", file=f"{FUNCTION}/identity.py", old='        hashed.update(b"%d:" % len(data))', new="        pass", tests=(f"{CACHE}::test_identities_that_look_alike_in_a_row_are_two",)),
        Line(holds="not kept where callers cannot be told apart", file=f"{FUNCTION}/authorizer.py", old="self.keeps_answers = spec.ttl_s > 0 and any(source.is_identity for source in spec.identity_source)", new="self.keeps_answers = spec.ttl_s > 0", tests=(f"{CACHE}::test_without_identity_nothing_is_kept", f"{CACHE}::test_what_callers_have_in_common_is_no_identity")),
        Line(holds="a kept policy is evaluated anew", file=f"{FUNCTION}/answer.py", old="else decision.evaluate(arn)", new='else Verdict(True, "")', tests=(f"{CACHE}::test_a_kept_policy_is_evaluated_for_each_route", f"{CACHE}::test_a_kept_policy_is_evaluated_for_each_path_of_a_route")),
        Line(holds="Deny wins", file="gateway/policy/policy.py", old="        for statement in self._denies:", new="        for statement in ():", tests=(f"{POLICY}::test_deny_wins",)),
        Line(holds="no match denies", file="gateway/policy/policy.py", old="        return _NO_MATCH", new='        return Verdict(True, "")', tests=(f"{POLICY}::test_deny_wins",)),
        Line(holds="bounded", file=f"{FUNCTION}/cache.py", old="while len(self._entries) > self._max_entries or", new="while", tests=(f"{CACHE}::test_many_callers_stay_within_the_bounds",)),
    ),
    inherent=(
        Inherent(holds="failures are never kept", reason="a failure is a value of another type, which the cache cannot take", tests=(f"{CACHE}::test_failures_are_never_kept",)),
    ),
)
# fmt: on
REQUIREMENTS = (J15, J16, J19)
