# ruff: noqa: E501  # a table: one line of code an entry
"""J1–J14, J17, J18: what a token must be."""

from tests.mutants.requirement import Inherent, Line, Requirement

JWT = "gateway/authorizers/jwt"
VERIFIER = "kit/jwt"
OWN = "auth/tokens"
RING = "tests/unit/auth/tokens/test_keyring.py"
JUDGE = "tests/unit/auth/tokens/test_judge.py"
JSON = "kit/strict_json.py"
TESTS = "tests/unit/gateway/jwt/test_token_requirements.py"
FORGED = "tests/unit/gateway/jwt/test_forged_lines.py::test_forged_token_and_its_twin"
UNFIT = f"{TESTS}::test_a_key_that_does_not_fit_is_left_out"
STRICT = f"{TESTS}::test_signed_json_is_read_strictly"
KEPT = f"{TESTS}::test_a_verified_token_is_remembered_for_its_time"


def forged(*names: str) -> tuple[str, ...]:
    return tuple(f"{FORGED}[{name}]" for name in names)


def strict(*names: str) -> tuple[str, ...]:
    return tuple(f"{STRICT}[{name}]" for name in names)


# fmt: off
J1 = Requirement(
    id="J1",
    title="The algorithm is configured, not chosen by the token",
    promise="An issuer has algorithms of one family (RS, PS or ES), never a shared secret; `none` in any spelling is refused. A token may "
    "only pick among them, and only what its key is for.",
    lines=(
        Line(
            holds="one of the configured, before a key is asked for", file=f"{VERIFIER}/verifier.py",
            old="if token.algorithm not in self._algorithms:", new="if False:",
            tests=(f"{TESTS}::test_an_algorithm_is_judged_before_a_key_is_asked_for",),
        ),
        Line(
            holds="one that the key is for", file=f"{VERIFIER}/verifier.py",
            old="if token.algorithm not in key.algorithms:", new="if False:",
            tests=forged("J1-another-algorithm"),
        ),
        Line(
            holds="one family for each issuer, no shared secrets", file=f"{JWT}/spec.py",
            old="if not wanted or not any(wanted <= set(family) for family in FAMILIES):", new="if False:",
            tests=(f"{TESTS}::test_an_issuer_has_algorithms_of_one_family",),
        ),
        Line(
            holds="nothing unsigned", file=f"{VERIFIER}/verifier.py",
            old="if not key.verify(token.algorithm, token.signing_input, token.signature):", new="if False:",
            tests=(f"{TESTS}::test_nothing_is_believed_that_is_not_signed",),
        ),
    ),
    inherent=(
        Inherent(holds="`none` and HS256", reason="both lines above refuse them", tests=forged("J1-none", "J1-hmac")),
    ),
)

J2 = Requirement(
    id="J2",
    title="Only keys that fit are used",
    promise="A key of another type, curve, use or algorithm, an RSA key below 2048 bits, a key that shows its private part, and keys that "
    "share a name are left out; the others of the set stay.",
    lines=(
        Line(holds="type", file=f"{VERIFIER}/jwk.py", old='if jwk.get("kty") != _KEY_TYPES[family]:', new="if False:", tests=(f"{UNFIT}[J2-type]",)),
        Line(holds="no private part", file=f"{VERIFIER}/jwk.py", old="if not _PRIVATE_MEMBERS.isdisjoint(jwk):", new="if False:", tests=(f"{UNFIT}[J2-private-part]",)),
        Line(holds="use", file=f"{VERIFIER}/jwk.py", old='if jwk.get("use", "sig") != "sig":', new="if False:", tests=(f"{UNFIT}[J2-use]",)),
        Line(holds="key_ops", file=f"{VERIFIER}/jwk.py", old='if "key_ops" in jwk and not _may_verify(jwk["key_ops"]):', new="if False:", tests=(f"{UNFIT}[J2-operations]",)),
        Line(holds="alg", file=f"{VERIFIER}/jwk.py", old='if jwk.get("alg", name) == name]', new="]", tests=(f"{UNFIT}[J2-algorithm]",)),
        Line(holds="2048 bits", file=f"{VERIFIER}/key_policy.py", old="if bits < MIN_RSA_BITS:", new="if False:", tests=(f"{UNFIT}[J2-size]",)),
        Line(holds="curve", file=f"{VERIFIER}/jwk.py", old="if CURVE_ALGORITHM[curve] not in algorithms:", new="if False:", tests=(f"{UNFIT}[J2-curve]",)),
        Line(holds="a name for each", file=f"{VERIFIER}/keys.py", old="                if kids[kid] > 1:", new="                if False:", tests=(f"{TESTS}::test_two_keys_of_one_name_are_none",)),
        Line(
            holds="one bad key does not void the set", file=f"{VERIFIER}/keys.py",
            old="                dropped.append(DroppedKey(name, str(exc)))", new="                raise KeySetError(name) from exc",
            tests=(f"{UNFIT}[J2-size]", f"{UNFIT}[J2-no-kid]"),
        ),
    ),
)

J3 = Requirement(
    id="J3",
    title="A key id is only a name",
    promise="`kid` is a text of at most 256 characters and is looked up as it is: no path, no query, no other key in its place.",
    lines=(
        Line(
            holds="no other key in its place", file=f"{VERIFIER}/keys.py",
            old="return self._keys.get(kid)  #", new="return self._keys.get(kid) or next(iter(self._keys.values()), None)  #",
            tests=forged("J3-kid-in-another-case", "J3-kid-is-a-path"),
        ),
        Line(
            holds="a text of 256 characters", file=f"{VERIFIER}/token.py",
            old="if not isinstance(kid, str) or len(kid) > MAX_KID_CHARS:", new="if False:",
            tests=forged("J3-kid-is-no-text"),
        ),
    ),
)

J4 = Requirement(
    id="J4",
    title="A token brings no keys",
    promise="`jwk`, `jku`, `x5u` and `x5c` in a token's header are neither used nor fetched.",
    lines=(
        Line(
            holds="a key of the issuer, or none", file=f"{VERIFIER}/verifier.py",
            old="        if key is None:\n", new="        if key is None:\n            return parse_payload(token.payload)\n        if False:\n",
            tests=forged("J4-jwk", "J4-jku", "J4-x5u"),
        ),
    ),
    inherent=(
        Inherent(
            holds="none of them is read", reason="no code looks at these members",
            tests=forged("J4-jwk", "J4-jwk-of-a-known-kid", "J4-jku", "J4-x5u", "J4-x5c"),
        ),
    ),
)

J5 = Requirement(
    id="J5",
    title="Nothing that is not understood",
    promise="A header with `crit`, `b64`, `zip` or `cty` is refused, whatever their value.",
    lines=(
        Line(
            holds="four members refused", file=f"{VERIFIER}/token.py",
            old="        if name in header:  # J5", new="        if False:  # J5",
            tests=forged("J5-crit", "J5-b64", "J5-zip", "J5-cty"),
        ),
    ),
)

J6 = Requirement(
    id="J6",
    title="One spelling of a token",
    promise="Three segments, none empty, in canonical base64url without padding. Encrypted tokens and the JSON serialisation are refused "
    "before any cryptography.",
    lines=(
        Line(
            holds="three segments", file=f"{VERIFIER}/token.py", old="if len(segments) != 3:", new="if False:",
            tests=forged("J6-two-segments", "J6-five-segments", "J6-flattened-json"),
        ),
        Line(
            holds="canonical base64url", file=f"{VERIFIER}/base64url.py", old="return data if encode(data) == text else None", new="return data",
            tests=forged("J6-padding", "J6-line-break", "J6-signature-of-the-standard-alphabet"),
        ),
        Line(
            holds="no empty segment", file=f"{VERIFIER}/token.py", old="    if not data:", new="    if data is None:",
            tests=forged("J6-empty-signature"),
        ),
    ),
)

J7 = Requirement(
    id="J7",
    title="A token has a size",
    promise="8 KiB for a token, 4 KiB for its header, 32 levels of JSON: more is refused before it is decoded or parsed.",
    lines=(
        Line(holds="8 KiB", file=f"{VERIFIER}/token.py", old="if len(text) > MAX_TOKEN_CHARS:", new="if False:", tests=(f"{TESTS}::test_a_token_has_a_size",)),
        Line(holds="4 KiB of header", file=f"{VERIFIER}/token.py", old="if len(data) > MAX_HEADER_BYTES:", new="if False:", tests=(f"{TESTS}::test_a_header_has_a_size",)),
        Line(holds="32 levels", file=JSON, old="            if depth > max_depth:", new="            if False:", tests=strict("J7-too-deep")),
    ),
)

J8 = Requirement(
    id="J8",
    title="Signed JSON is read in one way only",
    promise="UTF-8, one object, no name twice at any level, no NaN or Infinity, no endless integers, no half of a surrogate pair. Whatever a "
    "library does with a token, the caller gets a 401, never a 500.",
    lines=(
        Line(holds="no name twice", file=JSON, old="    if len(members) != len(pairs):", new="    if False:", tests=strict("J8-name-twice", "J8-name-twice-within")),
        Line(holds="no NaN, no Infinity", file=JSON, old='    raise StrictJsonError(f"{name} is not JSON")', new="    return 0", tests=strict("J8-nan", "J8-infinity")),
        Line(holds="finite numbers", file=JSON, old="    if math.isinf(number):", new="    if False:", tests=strict("J8-number-too-large")),
        Line(holds="100 digits", file=JSON, old="    if len(digits.lstrip(\"-\")) > MAX_INTEGER_DIGITS:", new="    if False:", tests=strict("J8-endless-integer")),
        Line(holds="UTF-8", file=JSON, old='data.decode("utf-8")', new='data.decode("utf-8", "replace")', tests=strict("J8-not-utf-8")),
        Line(holds="no half pairs", file=JSON, old="        _check_surrogates(value)", new="        pass", tests=strict("J8-half-a-pair")),
        Line(holds="an object", file=JSON, old="    if type(value) is not dict:", new="    if False:", tests=(f"{TESTS}::test_a_payload_is_an_object",)),
        Line(holds="a parser's error is a refusal", file=f"{VERIFIER}/token.py", old='        raise Refused(MALFORMED, f"its payload cannot be read: {exc}") from exc', new="        raise", tests=strict("J8-no-json")),
        Line(holds="a library's error is a refusal", file=f"{VERIFIER}/jwk.py", old="        except Exception:", new="        except ValueError:", tests=(f"{TESTS}::test_a_library_that_breaks_has_not_verified",)),
    ),
)

J9 = Requirement(
    id="J9",
    title="A token has its time",
    promise="`exp` is required; `exp`, `nbf` and `iat` are finite numbers and hold at the moment of the request, with a leeway of at most "
    "60 s that is the same on both sides.",
    lines=(
        Line(holds="exp is there", file=f"{VERIFIER}/claims.py", old="if expires_at_s is None:  # J9", new="if expires_at_s is None:\n            return now_s + 1\n        if False:  # J9", tests=forged("J9-no-exp")),
        Line(holds="exp", file=f"{VERIFIER}/claims.py", old="if now_s >= expires_at_s + self._leeway_s:", new="if False:", tests=(*forged("J9-exp-now"), f"{TESTS}::test_leeway_is_the_same_on_both_sides[J9-expired-beyond-it]")),
        Line(holds="nbf and iat", file=f"{VERIFIER}/claims.py", old="if begins_at_s is not None and now_s < begins_at_s - self._leeway_s:", new="if False:", tests=(*forged("J9-nbf-to-come", "J9-iat-to-come"), f"{TESTS}::test_leeway_is_the_same_on_both_sides[J9-valid-later]")),
        Line(holds="a number", file=f"{VERIFIER}/claims.py", old="if type(value) is int or type(value) is float:", new="if isinstance(value, int | float):", tests=forged("J9-exp-is-true")),
        Line(holds="a leeway of a minute", file=f"{JWT}/spec.py", old="if not 0 <= self.leeway_s <= MAX_LEEWAY_S:", new="if False:", tests=(f"{TESTS}::test_leeway_has_a_limit",)),
        Line(holds="one reading of the clock", file=f"{JWT}/authorizer.py", old="now_s = exchange.request.at.epoch_ms / 1000  # J9", new='now_s = __import__("time").time()  # J9', tests=(f"{TESTS}::test_the_time_is_that_of_the_request",)),
    ),
    inherent=(
        Inherent(holds="finite", reason="the JSON reader takes no other numbers (J8)", tests=forged("J9-exp-infinite", "J9-exp-is-text")),
    ),
)

J10 = Requirement(
    id="J10",
    title="The issuer, exactly",
    promise="`iss` is the configured text: no prefix, no list, no slash more or less.",
    lines=(
        Line(holds="equal", file=f"{VERIFIER}/claims.py", old="if issuer != self._issuer:", new="if self._issuer not in issuer and not str(issuer).startswith(self._issuer):", tests=forged("J10-slash", "J10-list")),
        Line(holds="checked at all", file=f"{VERIFIER}/claims.py", old="        if issuer != self._issuer:", new="        if False:", tests=forged("J10-prefix")),
    ),
)

J11 = Requirement(
    id="J11",
    title="The audience, exactly",
    promise="`aud`, a text or a list of texts, holds one of the configured audiences; `client_id` counts only where there is no `aud` at all.",
    lines=(
        Line(holds="client_id only without aud", file=f"{VERIFIER}/claims.py", old='"aud" if "aud" in claims else "client_id"', new='"aud" if "client_id" not in claims else "client_id"', tests=forged("J11-client-id-beside-aud")),
        Line(holds="a text is one of them", file=f"{VERIFIER}/claims.py", old="            if value not in self._audience:", new="            if not any(value.startswith(name) for name in self._audience):", tests=forged("J11-longer")),
        Line(holds="checked at all", file=f"{VERIFIER}/claims.py", old="            if value not in self._audience:  # J11", new="            if False:  # J11", tests=forged("J11-other")),
        Line(holds="a list holds one of them", file=f"{VERIFIER}/claims.py", old="if self._audience.isdisjoint(value):", new="if False:", tests=forged("J11-list")),
        Line(holds="a text or a list of texts", file=f"{VERIFIER}/claims.py", old='if name != "aud" or not isinstance(value, list) or not all(type(entry) is str for entry in value):', new="if False:", tests=forged("J11-object", "J11-client-id-list")),
        Line(holds="an authorizer has one", file=f"{JWT}/spec.py", old='if not self.audience or "" in self.audience:', new="if False:", tests=(f"{TESTS}::test_an_authorizer_needs_an_audience",)),
    ),
)

J12 = Requirement(
    id="J12",
    title="Scopes are whole words",
    promise="A route's scopes are any-of; the token must have one of them as a word by itself. A good token without one gets 403 and "
    "`insufficient_scope`, not 401.",
    lines=(
        Line(holds="one of them", file=f"{JWT}/authorizer.py", old="if wanted and wanted.isdisjoint(verified.scopes):", new="if False:", tests=forged("J12-none")),
        Line(holds="whole words", file=f"{JWT}/authorizer.py", old="wanted.isdisjoint(verified.scopes):", new="not any(w.startswith(s) for w in wanted for s in verified.scopes):", tests=forged("J12-part-of-a-word")),
        Line(holds="parted by spaces", file=f"{VERIFIER}/claims.py", old='scope.split(" ") if isinstance(scope, str)', new="scope.split() if isinstance(scope, str)", tests=forged("J12-tab")),
        Line(holds="403", file=f"{JWT}/authorizer.py", old="kind = AccessDenied if refused.refusal is SCOPE else Unauthorized", new="kind = Unauthorized", tests=forged("J12-none")),
    ),
)

J13 = Requirement(
    id="J13",
    title="No other kind of token",
    promise="`typ` is absent, `JWT` or `at+jwt`: no DPoP proof, logout token or other signed object passes for one. `token_use` is checked "
    "where an authorizer says so, as on API Gateway; our own endpoints always do, and each kind has its own key.",
    lines=(
        Line(holds="typ", file=f"{VERIFIER}/token.py", old="if not isinstance(kind, str) or kind.lower() not in _TYPES:", new="if False:", tests=forged("J13-dpop", "J13-logout")),
        Line(
            holds="token_use", file=f"{VERIFIER}/claims.py", old='if wanted is not None and claims.get("token_use") != wanted:', new="if False:",
            tests=(f"{TESTS}::test_token_use_where_it_is_configured[J13-id]", f"{TESTS}::test_token_use_where_it_is_configured[J13-none]"),
        ),
        Line(holds="token_use at our own endpoints", file=f"{OWN}/judge.py", old="audience=None, token_use=use)", new="audience=None)", tests=(f"{JUDGE}::test_token_use_must_say_access",)),
        Line(holds="a key of one kind signs no other", file=f"{OWN}/keyring.py", old="if named is None or named.use != use:", new="if named is None:", tests=(f"{JUDGE}::test_a_key_of_one_kind_verifies_nothing_of_the_other",)),
    ),
)

J14 = Requirement(
    id="J14",
    title="One token from one place",
    promise="A token counts only at the place that the authorizer names, `Authorization` if none; two Authorization headers are refused, also "
    "by Lambda authorizers.",
    lines=(
        Line(holds="one", file=f"{JWT}/identity.py", old="        if len(values) > 1:", new="        if False:", tests=(f"{TESTS}::test_two_authorization_headers_are_refused",)),
        Line(holds="a header or the query", file=f"{JWT}/spec.py", old='if self.identity_source.kind not in ("header", "querystring"):', new="if False:", tests=(f"{TESTS}::test_a_token_is_in_a_header_or_the_query",)),
        Line(
            holds="at the place that is named", file="gateway/selection.py", old="            value = fields.joined.get(self.name)\n", new='            value = fields.joined.get(self.name) or fields.joined.get("x-token")\n',
            tests=(f"{TESTS}::test_a_token_counts_only_where_it_is_configured",),
        ),
        Line(
            holds="one for a Lambda authorizer", file="gateway/authorizers/function/identity.py", old='if source.kind == "header" and source.name == "authorization" and len(values) > 1:', new="if False:",
            tests=("tests/unit/gateway/function_authorizer/test_identity.py::test_two_authorization_headers_are_refused",),
        ),
    ),
)

J17 = Requirement(
    id="J17",
    title="Own keys",
    promise="A pool's tokens are signed with RS256 and keys of 2048 bits, one for ID and one for access tokens. The next key is published "
    "before it signs, a retired one until its last token has died; a rotation needs no restart, and other processes see it within "
    "5 seconds. Private keys are sealed at rest.",
    lines=(
        Line(holds="2048 bits", file=f"{OWN}/signing_key.py", old="KEY_BITS = 2048", new="KEY_BITS = 1024", tests=(f"{RING}::test_a_key_is_large_enough_for_a_verifier_that_is_strict",)),
        Line(holds="current and next", file=f"{OWN}/keyring.py", old='= ("current", "next")', new='= ("current",)', tests=(f"{RING}::test_two_keys_of_each_use_are_published",)),
        Line(holds="published before it signs", file=f"{OWN}/keyring.py", old="published_before=now - timedelta(seconds=published_s) + _TICK,", new="published_before=now + _TICK,", tests=(f"{RING}::test_a_key_signs_only_once_it_has_been_published_for_a_while",)),
        Line(holds="a retired key stays", file=f"{OWN}/keyring.py", old="retire_until=now + timedelta(seconds=MAX_TOKEN_LIFE_S + CLOCKS_S),", new="retire_until=now,", tests=(f"{RING}::test_a_retired_key_is_published_until_its_last_token_has_died",)),
        Line(holds="and goes then", file=f"{OWN}/ring.py", old="if key.expires_at is None or now < key.expires_at]", new="]", tests=(f"{RING}::test_a_retired_key_is_published_until_its_last_token_has_died",)),
        Line(holds="no token outlives its key", file=f"{OWN}/tokens.py", old="min(life_s, MAX_TOKEN_LIFE_S)", new="life_s", tests=(f"{RING}::test_a_token_does_not_outlive_its_key",)),
        Line(holds="other processes' rotations are seen", file=f"{OWN}/keyring.py", old="if is_over or self._store.version(pool_id) != ring.version:", new="if is_over:", tests=(f"{RING}::test_rotation_in_another_process_is_seen",)),
        Line(holds="the gateway follows", file="gateway/issuers/pool_keys.py", old="if document is not self._document:", new="if not self._document:", tests=("tests/unit/gateway/issuers/test_pool_keys.py::test_rotation_in_this_process_counts_with_the_next_look_up",)),
        Line(holds="the gateway looks again", file="gateway/issuers/pool_keys.py", old="if self._clock() >= self._look_again_at:", new="if False:", tests=("tests/unit/gateway/issuers/test_pool_keys.py::test_rotation_in_another_process_is_seen_within_four_seconds",)),
        Line(holds="sealed at rest", file="auth/store/sql/keys.py", old='self._sealer.seal("keys.private", key.pool_id, key.kid, plain=key.private_pem)', new="key.private_pem", tests=("tests/unit/auth/tokens/test_keys_in_a_database.py::test_private_keys_are_sealed_at_rest",)),
    ),
)

J18 = Requirement(
    id="J18",
    title="What is remembered of a token ends in time",
    promise="A verified token is remembered under the SHA-256 of its whole text, until it expires and for five minutes at most, in bounded "
    "memory. So long a token may still be accepted after its issuer revoked it or took its key back unheard; a key that is "
    "seen to be gone ends it at once.",
    lines=(
        Line(holds="until it expires", file=f"{JWT}/cache.py", old="min(token.expires_at_s, now_s + MAX_AGE_S)", new="now_s + MAX_AGE_S", tests=(f"{KEPT}[J18-forgotten-at-its-end]",)),
        Line(holds="five minutes", file=f"{JWT}/cache.py", old="token.expires_at_s, now_s + MAX_AGE_S)", new="token.expires_at_s, now_s + 12 * MAX_AGE_S)", tests=(f"{KEPT}[J18-verified-anew-after-five-minutes]",)),
        Line(holds="its time is looked at", file=f"{JWT}/cache.py", old="if not entry.from_s <= now_s < entry.until_s:", new="if False:", tests=(f"{KEPT}[J18-verified-anew-after-five-minutes]", f"{KEPT}[J18-clock-set-back]")),
        Line(holds="the whole text", file=f"{JWT}/cache.py", old='hashlib.sha256(text.encode("ascii"))', new='hashlib.sha256(text.rpartition(".")[0].encode("ascii"))', tests=(f"{TESTS}::test_a_token_is_remembered_by_all_of_its_text",)),
        Line(holds="a lost key ends it", file=f"{JWT}/cache.py", old="self._entries.clear()", new="pass", tests=(f"{TESTS}::test_what_a_lost_key_has_signed_is_forgotten",)),
        Line(holds="bounded", file=f"{JWT}/cache.py", old="while len(self._entries) > self._max_entries or", new="while", tests=(f"{TESTS}::test_what_is_remembered_is_bounded",)),
    ),
)
# fmt: on
REQUIREMENTS = (J1, J2, J3, J4, J5, J6, J7, J8, J9, J10, J11, J12, J13, J14, J17, J18)
