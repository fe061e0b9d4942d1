# ruff: noqa: E501  # a table: one line of code an entry
"""A1-A4, A10-A16, A25-A27: who is sent where, with what, and what is not taken at all."""

from tests.mutants.requirement import Inherent, Line, Requirement

OAUTH = "auth/oauth"
REQUEST = f"{OAUTH}/authorization_request.py"
REQUESTS = "tests/unit/auth/oauth/test_authorization_request.py"
ADDRESSES = "tests/unit/auth/oauth/test_redirect_uri.py"
PKCE = "tests/unit/auth/oauth/test_pkce.py"
FORMS = "tests/unit/auth/oauth/test_form.py"
LOGIN = "tests/unit/auth/pages/test_login_page.py"
HEADERS = "tests/unit/auth/pages/test_page_headers.py"
BROWSER = "tests/e2e/oauth/test_browser_endpoints.py"
TOKEN = "tests/e2e/oauth/test_token_endpoint.py"

# fmt: off
A1 = Requirement(
    id="A1",
    title="Only to addresses that are registered",
    promise="A browser is sent to an address only if a client has registered exactly that text. The one exception is the port of "
    "`http://127.0.0.1` and `http://[::1]` for clients without a secret, which listen wherever they can. Every other variant gets a page of ours.",
    lines=(
        Line(holds="exact text", file=f"{OAUTH}/redirect_uri.py", old="    if uri in client.redirect_uris:  # A1", new="    if uri.startswith(client.redirect_uris):", tests=(f"{REQUESTS}::test_unregistered_address_gets_a_page[a-slash-more]", f"{REQUESTS}::test_unregistered_address_gets_a_page[a-query]")),
        Line(holds="no exception for a client with a secret", file=f"{OAUTH}/redirect_uri.py", old="    if client.has_secret:  # A1: not a native one", new="    if False:", tests=(f"{REQUESTS}::test_native_client_listens_at_any_port",)),
        Line(holds="a loopback literal, no name", file=f"{OAUTH}/redirect_uri.py", old=r"(127\.0\.0\.1|\[::1\])", new=r"([a-z.]+|127\.0\.0\.1|\[::1\])", tests=(f"{ADDRESSES}::test_a_port_is_free_at_a_loopback_literal_only",)),
        Line(holds="no patterns by API", file="auth/core/client_rules.py", old="        if fault is not None:  # A1", new="        if False:  # A1", tests=("tests/unit/auth/cognito/test_clients.py::test_addresses_are_written_out",)),
        Line(holds="a port is one", file=f"{OAUTH}/redirect_uri.py", old="    if match is None or int(match[2] or 80) > 65535:", new="    if match is None:", tests=(f"{REQUESTS}::test_unregistered_address_gets_a_page[loopback-port-too-high]",)),
    ),
)

A2 = Requirement(
    id="A2",
    title="Client and address come first",
    promise="An unknown client, a closed one or an address that is not its own is found before anything else is judged, and answered on a page "
    "of ours. No error is ever sent to an address that was not checked.",
    lines=(
        Line(holds="the address, before anything else", file=REQUEST, old="    if not is_registered(client, redirect_uri):  # A2", new="    if False:  # A2", tests=(f"{REQUESTS}::test_client_and_address_are_judged_first",)),
        Line(holds="a closed client is none", file=REQUEST, old="    if client.is_closed or pool.is_closed:", new="    if False:", tests=(f"{REQUESTS}::test_client_and_address_are_judged_first",)),
        Line(holds="said once", file=REQUEST, old='    if parameters.repeated & {"client_id", "redirect_uri"}:', new="    if False:", tests=(f"{REQUESTS}::test_what_decides_where_to_go_is_said_once",)),
    ),
)

A3 = Requirement(
    id="A3",
    title="PKCE for every client without a secret",
    promise="A client without a secret must send a challenge, by S256 only; `plain` is refused for all. The verifier has 43 to 128 unreserved "
    "characters and is compared in constant time; a wrong one uses the code up.",
    lines=(
        Line(holds="required", file=REQUEST, old='        if response_type == "code" and not trusted.client.has_secret:  # A3', new="        if False:  # A3", tests=(f"{REQUESTS}::test_public_client_needs_s256",)),
        Line(holds="S256 only", file=REQUEST, old='    if method != "S256":  # A3', new='    if method not in ("S256", "plain", None):  # A3', tests=(f"{REQUESTS}::test_public_client_needs_s256",)),
        Line(holds="a challenge is the hash of something", file=REQUEST, old="    if challenge is None or not pkce.is_challenge(challenge):", new="    if challenge is None:", tests=(f"{REQUESTS}::test_public_client_needs_s256",)),
        Line(holds="the form of a verifier", file=f"{OAUTH}/pkce.py", old=' if is_verifier(verifier) else ""  # A3', new="", tests=(f"{PKCE}::test_verifier_has_the_form_of_one",)),
        Line(holds="its hash is the challenge", file=f"{OAUTH}/pkce.py", old="    return hmac.compare_digest(made, challenge)  # A3", new="    return bool(made)", tests=(f"{TOKEN}::test_verifier_must_prove[wrong]",)),
    ),
)

A4 = Requirement(
    id="A4",
    title="No way around PKCE",
    promise="A code that was asked for with a challenge needs its verifier, whoever redeems it; a verifier for a code without a challenge is refused too.",
    lines=(
        Line(holds="both or neither", file=f"{OAUTH}/pkce.py", old="        return verifier is None and not challenge  # A4", new="        return True", tests=(f"{PKCE}::test_both_or_neither",)),
        Line(holds="at every redemption", file=f"{OAUTH}/grants/authorization_code.py", old='            return is_same and pkce.proves(form.get("code_verifier"), redeemed.challenge)', new="            return is_same", tests=(f"{TOKEN}::test_challenge_of_a_client_with_a_secret_binds_too", f"{TOKEN}::test_verifier_without_a_challenge_is_a_downgrade")),
    ),
)

A10 = Requirement(
    id="A10",
    title="No implicit flow unless you say so, no password flow",
    promise="Tokens come from the authorization endpoint only for a client with `flows: [implicit]`, and never a refresh token. The token endpoint "
    "knows codes, refresh tokens and client credentials; passwords are for the log-in page.",
    lines=(
        Line(holds="implicit is a client's own", file=REQUEST, old='        if "implicit" not in trusted.client.flows:  # A10', new="        if False:  # A10", tests=(f"{REQUESTS}::test_implicit_flow_is_for_who_has_it",)),
    ),
    inherent=(
        Inherent(holds="no password grant", reason="the token endpoint registers three grants, and that is not one of them", tests=(f"{TOKEN}::test_other_grants_are_not_here",)),
        Inherent(holds="nothing to refresh with", reason="the implicit flow starts no family of refresh tokens", tests=(f"{BROWSER}::test_implicit_flow_for_its_client",)),
    ),
)

A11 = Requirement(
    id="A11",
    title="`state` and `nonce` are the client's",
    promise="`state` goes back byte for byte, on success and on failure; `nonce` is carried to the ID token. Each may have 2 KiB; where one is shown, it is text.",
    lines=(
        Line(holds="state goes back", file=REQUEST, old='    state = {} if of.state is None else {"state": of.state}', new="    state: dict[str, str] = {}", tests=(f"{REQUESTS}::test_state_goes_back_byte_for_byte",)),
        Line(holds="byte for byte", file=f"{OAUTH}/parameters.py", old='    return value.encode("utf-8", "surrogateescape")', new='    return value.encode("utf-8", "replace")', tests=(f"{REQUESTS}::test_state_goes_back_byte_for_byte",)),
        Line(holds="2 KiB of state", file=REQUEST, old="MAX_STATE_BYTES = 2048", new="MAX_STATE_BYTES = 65536", tests=(f"{REQUESTS}::test_long_state_or_nonce_is_refused",)),
        Line(holds="2 KiB of nonce", file=REQUEST, old='    if size_of(parameters.get("nonce", "")) > MAX_NONCE_BYTES:  # A11', new="    if False:  # A11", tests=(f"{REQUESTS}::test_long_state_or_nonce_is_refused",)),
        Line(holds="the nonce is kept with the code", file=f"{OAUTH}/authorize.py", old="        nonce=request.nonce,", new='        nonce="",', tests=(f"{BROWSER}::test_nonce_is_carried_to_the_id_token",)),
        Line(holds="and said in the ID token", file="auth/tokens/claims.py", old='        **({"nonce": grant.nonce} if grant.nonce else {}),\n', new="", tests=(f"{BROWSER}::test_nonce_is_carried_to_the_id_token",)),
        Line(holds="shown as text", file="auth/pages/page.py", old="            autoescape=True,  #", new="            autoescape=False,  #", tests=(f"{LOGIN}::test_whatever_is_sent_is_text",)),
    ),
)

A12 = Requirement(
    id="A12",
    title="Every answer says who gives it",
    promise="`iss` is in every answer of the authorization endpoint, good or bad, and the metadata says so: a client that knows several issuers is not mixed up.",
    lines=(
        Line(holds="iss", file=REQUEST, old='{**answer, **state, "iss": of.issuer}', new="{**answer, **state}", tests=(f"{REQUESTS}::test_client_is_told_what_is_wrong", f"{BROWSER}::test_good_request_leads_back")),
        Line(holds="announced", file=f"{OAUTH}/discovery.py", old='        "authorization_response_iss_parameter_supported": True,\n', new="", tests=(f"{BROWSER}::test_metadata_says_only_what_works",)),
    ),
)

A13 = Requirement(
    id="A13",
    title="Addresses come from the configuration",
    promise="The issuer is the configured one, to the letter, and every address in metadata, redirects and pages is built from it: whatever `Host`, "
    "`X-Forwarded-Host` and `Forwarded` say.",
    lines=(
        Line(holds="the metadata", file=f"{OAUTH}/routes.py", old="self.identity.directory.clients(pool.pool_id), self.identity.auth_url)", new='self.identity.directory.clients(pool.pool_id), str(request.base_url).rstrip("/"))', tests=(f"{BROWSER}::test_urls_are_configurations",)),
        Line(holds="the issuer", file=f"{OAUTH}/discovery.py", old='    issuer = f"{auth_url}/{pool.pool_id}"', new="    issuer = auth_url", tests=(f"{BROWSER}::test_urls_are_configurations",)),
        Line(holds="redirects", file=f"{OAUTH}/authorize.py", old='        return f"{self._auth_url}/login?{canonical(query)}"', new='        return f"/login?{canonical(query)}"', tests=(f"{BROWSER}::test_urls_are_configurations",)),
    ),
)

A14 = Requirement(
    id="A14",
    title="A form is not sent on",
    promise="After a POST a browser is redirected with 303, so that it asks again with GET and does not carry a password along.",
    lines=(
        Line(holds="the endpoints", file=f"{OAUTH}/responses.py", old="    status = 303 if", new="    status = 307 if", tests=(f"{BROWSER}::test_post_leads_to_get",)),
        Line(holds="the pages", file="auth/pages/page.py", old="    return Response(status_code=303,", new="    return Response(status_code=307,", tests=(f"{LOGIN}::test_good_password_leads_to_the_client_with_303",)),
    ),
)

A15 = Requirement(
    id="A15",
    title="Tokens are not kept on the way",
    promise="Answers with tokens are JSON with `Cache-Control: no-store`; no token is taken from an address; no page tells its address to the next one.",
    lines=(
        Line(holds="tokens are not kept", file=f"{OAUTH}/responses.py", old="    headers = dict(NOT_KEPT)  # A15", new="    headers: dict[str, str] = {}", tests=(f"{TOKEN}::test_answer_is_cognitos",)),
        Line(holds="no referrer from a page", file="auth/pages/page.py", old='        "referrer-policy": "no-referrer",\n', new="", tests=(f"{HEADERS}::test_a_page_keeps_browsers_from_doing_harm_by_itself",)),
        Line(holds="nor from anything else", file="auth/app.py", old='    "referrer-policy": "no-referrer",\n', new="", tests=(f"{BROWSER}::test_what_is_no_page_is_held_to_the_same",)),
    ),
    inherent=(
        Inherent(holds="no token in an address", reason="userInfo reads the header or a form", tests=(f"{BROWSER}::test_token_in_an_address_opens_nothing",)),
    ),
)

A16 = Requirement(
    id="A16",
    title="A request says each thing once",
    promise="A repeated parameter is refused, an unknown one ignored. The token endpoint takes POST only, a form of 64 KiB and 100 parameters at most.",
    lines=(
        Line(holds="once, at the authorization endpoint", file=REQUEST, old="    if parameters.repeated:  # A16", new="    if False:  # A16", tests=(f"{REQUESTS}::test_repeated_parameter_is_refused",)),
        Line(holds="once, at the token endpoint", file=f"{OAUTH}/token_server.py", old="        if self.parameters.repeated:  # A16", new="        if False:  # A16", tests=(f"{TOKEN}::test_bad_forms_are_refused[repeated]",)),
        Line(holds="once, in our own forms", file="auth/pages/form.py", old="    if form.repeated or not _is_sane(form):", new="    if not _is_sane(form):", tests=(f"{LOGIN}::test_form_that_says_something_twice_or_is_none_is_refused",)),
        Line(holds="a form", file=f"{OAUTH}/form.py", old="    if not is_form(request):  # A16", new="    if False:  # A16", tests=(f"{FORMS}::test_a_body_is_called_a_form", f"{TOKEN}::test_bad_forms_are_refused[not-called-a-form]")),
        Line(holds="64 KiB, counted", file=f"{OAUTH}/form.py", old="            if len(body) > MAX_FORM_BYTES:", new="            if False:", tests=(f"{FORMS}::test_a_body_has_a_size",)),
        Line(holds="64 KiB, at the door", file="auth/app.py", old="            max_body_size=MAX_BODY_BYTES,", new="            max_body_size=2**30,", tests=(f"{TOKEN}::test_longest_form[65506]",)),
        Line(holds="100 parameters", file=f"{OAUTH}/parameters.py", old=", max_num_fields=MAX_PAIRS)", new=")", tests=(f"{FORMS}::test_a_form_has_so_many_pairs",)),
        Line(holds="POST", file=f"{OAUTH}/routes.py", old='programs.token, "POST"),', new='programs.token, "GET", "POST"),', tests=(f"{TOKEN}::test_token_is_not_got",)),
    ),
)

A25 = Requirement(
    id="A25",
    title="A log-out ends the session",
    promise="`logout_uri` and `post_logout_redirect_uri` must be registered, to the letter; anything else gets a page and changes nothing. The session "
    "itself is destroyed, so an old copy of the cookie opens nothing.",
    lines=(
        Line(holds="a registered address", file=f"{OAUTH}/logout.py", old="            if not is_logout_registered(client, target):  # A25", new="            if False:  # A25", tests=(f"{BROWSER}::test_bad_log_out_does_nothing[near-miss]",)),
        Line(holds="exact, and of its own list", file=f"{OAUTH}/redirect_uri.py", old="    return uri in client.logout_uris  # A25", new="    return is_registered(client, uri) or uri in client.logout_uris", tests=(f"{ADDRESSES}::test_a_log_out_has_no_exception", f"{BROWSER}::test_bad_log_out_does_nothing[a-callback]")),
        Line(holds="the session", file=f"{OAUTH}/routes.py", old="        self._identity.sessions.log_out(request, logout.pool)  #", new="        pass  #", tests=(f"{BROWSER}::test_log_out[cognito-GET]",)),
        Line(holds="the hint's own client", file=f"{OAUTH}/logout.py", old="            if client_id not in (None, hint.client_id):", new="            if False:", tests=(f"{BROWSER}::test_hint_must_be_of_the_client",)),
        Line(holds="one address", file=f"{OAUTH}/logout.py", old="    if cognito is not None and standard is not None and cognito != standard:", new="    if False:", tests=(f"{BROWSER}::test_bad_log_out_does_nothing[two]",)),
    ),
)

A26 = Requirement(
    id="A26",
    title="A client decides who is asked, and when again",
    promise="`prompt`, `max_age`, `login_hint` and `id_token_hint` as OpenID Connect Core 3.1.2 has them. Request objects, signed or not, are refused "
    "by name, and `request_uri` is never fetched.",
    lines=(
        Line(holds="no request object, nothing fetched", file=REQUEST, old="        if name in parameters:  # A26", new="        if False:  # A26", tests=(f"{REQUESTS}::test_request_objects_are_refused_by_name",)),
        Line(holds="prompt=none shows no page", file=f"{OAUTH}/authorize.py", old='        if "none" in request.prompts:  # A26', new="        if False:  # A26", tests=(f"{BROWSER}::test_nobody_is_asked_where_the_client_forbids_it",)),
        Line(holds="prompt=login asks", file=f"{OAUTH}/authorize.py", old='    if request.prompts & {"login", "select_account"}:  # A26', new="    if False:  # A26", tests=(f"{BROWSER}::test_who_is_logged_in_is_asked_again",)),
        Line(holds="max_age", file=f"{OAUTH}/authorize.py", old="    return request.max_age_s is not None and", new="    return False and request.max_age_s is not None and", tests=(f"{BROWSER}::test_an_old_log_in_is_asked_for_again",)),
        Line(holds="nobody else is handed over", file=f"{OAUTH}/authorize.py", old='            raise request.refusal("login_required", "somebody else is logged in")  # A26', new="            pass", tests=(f"{BROWSER}::test_hint_of_somebody_else_asks_again",)),
    ),
    inherent=(
        Inherent(holds="a hint is an ID token of ours", reason="it is judged like any token, but for its end (J13)", tests=(f"{BROWSER}::test_hint_must_be_our_id_token",)),
    ),
)

A27 = Requirement(
    id="A27",
    title="Programs in pages may redeem, not ask",
    promise="Tokens, keys, metadata and userInfo may be fetched by pages of any origin, without cookies. The authorization endpoint and the log-out, where a cookie decides, have no CORS.",
    lines=(
        Line(holds="none where a cookie decides", file=f"{OAUTH}/routes.py", old='        Route("/oauth2/authorize", browser.authorize, methods=["GET", "POST"]),', new='        _open("/oauth2/authorize", browser.authorize, "GET", "POST"),', tests=(f"{BROWSER}::test_pages_may_not_ask_for_codes[/oauth2/authorize]",)),
        Line(holds="any origin where a token does", file=f"{OAUTH}/responses.py", old='        response.headers["access-control-allow-origin"] = "*"  # A27', new="        pass", tests=(f"{BROWSER}::test_pages_may_call[/oauth2/token-POST]",)),
    ),
)
# fmt: on
REQUIREMENTS = (A1, A2, A3, A4, A10, A11, A12, A13, A14, A15, A16, A25, A26, A27)
