# ruff: noqa: E501  # a table: one line of code an entry
"""B1-B5, B12: sessions, cookies, forms, what a page may do, and the steps that nobody skips."""

from tests.mutants.requirement import Inherent, Line, Requirement

SESSIONS = "auth/sessions.py"
SESSION_TESTS = "tests/unit/auth/test_sessions.py"
STORED = "tests/contract/auth_store/test_sessions_keys_audit.py"
SECRETS = "tests/contract/auth_store/test_secrets.py"
LOGIN = "tests/unit/auth/pages/test_login_page.py"
STEPS = "tests/unit/auth/pages/test_challenge_pages.py"
HEADERS = "tests/unit/auth/pages/test_page_headers.py"
BROWSER = "tests/e2e/oauth/test_browser_endpoints.py"
FLOWS = "tests/unit/auth/flows/test_challenges.py"
CODES = "tests/unit/auth/flows/test_mailed_codes.py"
CHOICE = "tests/unit/auth/flows/test_choice.py"
BY_TRIGGERS = "tests/unit/auth/flows/test_custom_auth.py"
MAILED = "auth/flows/mailed_codes.py"

# fmt: off
B1 = Requirement(
    id="B1",
    title="A log-in begins a session of its own",
    promise="A browser gets a new session handle when somebody logs in, and the old one is gone, so nobody can plant one. A session ends after an hour "
    "without a request and after twelve hours in any case; it is kept here, and the cookie holds nothing but its handle.",
    lines=(
        Line(holds="a new handle", file=SESSIONS, old="        new = new_handle()", new="        new = self.handle(request, pool) or new_handle()", tests=(f"{SESSION_TESTS}::test_handle_is_renewed_at_login_and_the_old_one_is_nobody", f"{SESSION_TESTS}::test_planted_handle_never_becomes_a_session")),
        Line(holds="in place of the old one", file=SESSIONS, old="        self._store.replace(self.handle(request, pool), new,", new="        self._store.replace(None, new,", tests=(f"{SESSION_TESTS}::test_handle_is_renewed_at_login_and_the_old_one_is_nobody",)),
        Line(holds="which is gone", file="auth/store/sql/browser_sessions.py", old="                    connection.execute(delete(t.browser_sessions).where(_of.handle == digest(old)))", new="                    pass", tests=(f"{STORED}::test_a_log_in_changes_the_handle[sqlite]",)),
        Line(holds="an hour of rest", file="auth/store/sql/browser_sessions.py", old=" _of.idle_at > now,", new="", tests=(f"{STORED}::test_a_session_ends_idle_or_old[sqlite]",)),
        Line(holds="an end", file="auth/store/sql/browser_sessions.py", old=" _of.expires_at > now,", new="", tests=(f"{STORED}::test_a_session_ends_idle_or_old[sqlite]",)),
        Line(holds="twelve hours", file=SESSIONS, old="            expires_at=now + self._longest,", new="            expires_at=now + 9 * self._longest,", tests=(f"{SESSION_TESTS}::test_busy_session_ends_as_well",)),
    ),
)

B2 = Requirement(
    id="B2",
    title="A cookie that stays where it belongs",
    promise="`__Host-`, `Secure`, `HttpOnly`, `SameSite=Lax`, `Path=/`, no domain. Log-in pages over plain HTTP are for this machine only, and the server says so when it starts.",
    lines=(
        Line(holds="not for scripts", file=SESSIONS, old="Path=/; HttpOnly; SameSite=Lax", new="Path=/; SameSite=Lax", tests=(f"{SESSION_TESTS}::test_cookie_is_held_to_this_host",)),
        Line(holds="not with another site's form", file=SESSIONS, old="HttpOnly; SameSite=Lax{secure}", new="HttpOnly{secure}", tests=(f"{SESSION_TESTS}::test_cookie_is_held_to_this_host",)),
        Line(holds="not without TLS", file=SESSIONS, old='"" if self.is_relaxed else "; Secure"', new='""', tests=(f"{SESSION_TESTS}::test_cookie_is_held_to_this_host",)),
        Line(holds="not for another host", file=SESSIONS, old='else f"__Host-lockgate-', new='else f"lockgate-', tests=(f"{SESSION_TESTS}::test_cookie_is_held_to_this_host",)),
        Line(holds="https, but on this machine", file=SESSIONS, old='        if url.scheme != "https" and not _is_loopback(url.hostname or ""):', new="        if False:", tests=(f"{SESSION_TESTS}::test_plain_http_anywhere_else_is_refused",)),
    ),
)

B3 = Requirement(
    id="B3",
    title="Only our own page sends our forms",
    promise="Every form of the pages, the log-in included, carries a token that only this browser's session has, and must come from a page of this origin by "
    "what the browser says (`Sec-Fetch-Site`, `Origin`); no word about it is a no. `/logout` takes links of other sites, as its standard wants: it needs a registered client, and can do nothing but log out.",
    lines=(
        Line(holds="from this origin", file="auth/pages/desk.py", old="        if not self._own.sent(request.headers):  # B3", new="        if False:  # B3", tests=(f"{LOGIN}::test_form_of_another_site_is_refused",)),
        Line(holds="whatever Origin says", file="auth/pages/form.py", old='        if site is not None and site != "same-origin":', new="        if False:", tests=(f"{LOGIN}::test_form_of_another_site_is_refused",)),
        Line(holds="no word is a no", file="auth/pages/form.py", old='        return site == "same-origin" or origin == self._origin', new="        return True", tests=(f"{LOGIN}::test_form_of_another_site_is_refused",)),
        Line(holds="with the session's token", file="auth/pages/desk.py", old='        if not is_form_token(visit.browser, form.get(TOKEN, "")):', new="        if False:", tests=(f"{LOGIN}::test_form_without_this_session_s_token_is_asked_for_again",)),
        Line(holds="which is made of its handle", file=SESSIONS, old="""b"form token\\0" + handle.encode()""", new="""b"form token\\0\"""", tests=(f"{LOGIN}::test_form_without_this_session_s_token_is_asked_for_again",)),
    ),
)

B4 = Requirement(
    id="B4",
    title="A page loads its own style and nothing else",
    promise="A Content-Security-Policy that starts with `default-src 'none'`, lets nobody frame a page, and lets a form lead here or to this client only; "
    "`X-Frame-Options: DENY` and `nosniff` on every answer.",
    lines=(
        Line(holds="the policy", file="auth/pages/page.py", old="; base-uri 'none'; frame-ancestors 'none'\"", new='"', tests=(f"{LOGIN}::test_policy_names_the_client_that_the_form_leads_to",)),
        Line(holds="nothing loaded", file="auth/pages/page.py", old="\"default-src 'none'; style-src", new='"style-src', tests=(f"{LOGIN}::test_policy_names_the_client_that_the_form_leads_to",)),
        Line(holds="a form leads to this client", file="auth/pages/page.py", old="        f\"form-action {targets};", new='        f"form-action *;', tests=(f"{LOGIN}::test_policy_names_the_client_that_the_form_leads_to",)),
        Line(holds="not framed by old browsers", file="auth/pages/page.py", old='        "x-frame-options": "DENY",\n', new="", tests=(f"{HEADERS}::test_a_page_keeps_browsers_from_doing_harm_by_itself",)),
        Line(holds="no guessed types", file="auth/pages/page.py", old='        "x-content-type-options": "nosniff",\n', new="", tests=(f"{HEADERS}::test_a_page_keeps_browsers_from_doing_harm_by_itself",)),
        Line(holds="every other answer", file="auth/app.py", old="                fields.setdefault(name, value)", new="                pass", tests=(f"{BROWSER}::test_what_is_no_page_is_held_to_the_same",)),
    ),
)

B5 = Requirement(
    id="B5",
    title="What somebody sends is text in a page",
    promise="Every value in a page is escaped by the template engine. There is no script on any page, and no style within one.",
    lines=(
        Line(holds="escaped", file="auth/pages/page.py", old="            autoescape=True,  #", new="            autoescape=False,  #", tests=(f"{LOGIN}::test_whatever_is_sent_is_text",)),
    ),
    inherent=(
        Inherent(holds="no script, no inline style", reason="no template has one, and the policy (B4) would let none run", tests=(f"{LOGIN}::test_no_page_has_a_script_or_a_style_of_its_own",)),
    ),
)

B12 = Requirement(
    id="B12",
    title="No step of a sign-in is skipped",
    promise="Between the password and the end a sign-in has a handle that opens one step, once, for one client, one person and a few minutes. Answering another "
    "step ends it, in whatever order the calls come. A second factor that is in use is never replaced in place of being shown.",
    lines=(
        Line(holds="the step that is open", file="auth/flows/progress.py", old="        if CHALLENGES.get(state.stage) != name:", new="        if False:", tests=(f"{FLOWS}::test_a_right_answer_under_the_name_of_another_challenge",)),
        Line(holds="what a step takes", file="auth/core/challenge.py", old="    if move is None:\n        raise InvalidSession", new='    if move is None:\n        return replace(state, stage="done")\n    if False:\n        raise InvalidSession', tests=("tests/unit/auth/core/test_challenge.py::test_skipping_is_refused", f"{FLOWS}::test_setting_up_is_not_skipped")),
        Line(holds="every proof that is asked for", file="auth/core/challenge.py", old="    if _lacks_second(facts, proofs):", new='    if proofs == {"password"} and _lacks_second(facts, proofs):', tests=(f"{FLOWS}::test_a_new_password_does_not_stand_for_a_second_factor",)),
        Line(holds="one client", file="auth/store/sql/challenges.py", old="""_of.client_id == bindparam("of_client"))""", new="""bindparam("of_client") != "")""", tests=(f"{FLOWS}::test_a_handle_is_one_clients", f"{SECRETS}::test_a_challenge_is_answered_once_by_its_client_in_time[sqlite]")),
        Line(holds="a few minutes", file="auth/store/sql/challenges.py", old="""    .where(_of.expires_at > bindparam("now", type_=UtcMs))\n    .returning""", new="    .returning", tests=(f"{SECRETS}::test_a_challenge_is_answered_once_by_its_client_in_time[sqlite]",)),
        Line(holds="one person", file="auth/flows/progress.py", old='        if "USERNAME" in answers and', new="        if False and", tests=(f"{FLOWS}::test_a_handle_is_one_persons",)),
        Line(holds="one person, by SRP", file="auth/flows/srp_sign_in.py", old='        if not _is_meant(pool, answers["USERNAME"], challenge, person):', new="        if False:", tests=("tests/unit/auth/flows/test_srp_sign_in.py::test_an_answer_in_another_name_ends_it",)),
        Line(holds="one flow, by SRP", file="auth/flows/srp_sign_in.py", old="        if proof.purpose != SIGN_IN:", new="        if False:", tests=("tests/unit/auth/flows/test_srp_sign_in.py::test_what_was_begun_for_another_flow_is_not_finished_here",)),
        Line(holds="a proof by SRP is no other step", file="auth/flows/srp_challenges.py", old='    return f"srp {block}"', new="    return block", tests=("tests/unit/auth/flows/test_srp_sign_in.py::test_blocks_and_sessions_are_never_taken_for_each_other",)),
        Line(holds="a factor in use stays", file="auth/flows/progress.py", old="        if user is not None and state.stage in _ENROLLING and second_factors(facts_of(pool, user)):", new="        if False:", tests=(f"{FLOWS}::test_the_first_to_set_it_up_wins",)),
        Line(holds="a first factor, whichever it is", file="auth/core/challenge.py", old="    if _lacks_first(flow, proofs):", new="    if not proofs:", tests=("tests/unit/auth/core/test_challenge.py::test_what_triggers_ask_for_is_no_end",)),
        Line(holds="nobody proves nothing", file="auth/core/challenge.py", old="        if not state.sub:", new="        if False:", tests=("tests/unit/auth/core/test_challenge.py::test_nobody_proves_anything",)),
        Line(holds="one mailbox is one factor", file="auth/core/challenge.py", old='    return "email_code" not in have or have.isdisjoint({"password", "custom"})', new='    return "email_code" not in have', tests=("tests/unit/auth/core/test_challenge.py::test_one_mailbox_is_one_factor", f"{CHOICE}::test_a_second_factor_is_asked_for_after_either")),
        Line(holds="only a factor that is asked for is chosen", file="auth/core/challenge.py", old="    if move.needs is not None and not move.needs(facts):", new="    if False:", tests=("tests/unit/auth/core/test_challenge.py::test_only_what_is_asked_for_is_chosen",)),
        Line(holds="codes by mail are one sign-in's", file=MAILED, old="        if kept is None or not hmac.compare_digest(mac, kept.mac) or not _is_still_theirs(turn):", new="        if kept is None or not _is_still_theirs(turn):", tests=(f"{CODES}::test_a_code_is_for_the_sign_in_that_it_was_sent_for", f"{CODES}::test_a_code_is_one_persons")),
        Line(holds="a choice of what the pool has", file="auth/flows/choice.py", old="        if answer not in first_factors(turn.pool):", new="        if not answer:", tests=(f"{CHOICE}::test_only_what_the_pool_has_is_chosen",)),
        Line(holds="triggers let nobody in who does not exist", file="auth/flows/custom_auth.py", old="        if user is None:\n            raise NotAuthorized(detail=\"tokens for nobody\")", new="        if user is None:\n            raise InvalidParameter(\"nobody\")", tests=(f"{BY_TRIGGERS}::test_nobody_gets_tokens[nobody]",)),
        Line(holds="an exchange of this very sign-in", file="auth/flows/custom_auth.py", old='        if turn.answers.get("PASSWORD_CLAIM_SECRET_BLOCK") != _round_of(turn.state).srp.get("SECRET_BLOCK"):', new="        if False:", tests=(f"{BY_TRIGGERS}::test_the_exchange_is_of_this_sign_in",)),
        Line(holds="the page of the step that is open", file="auth/pages/challenges.py", old="    if visit.pending.challenge != name:", new="    if False:", tests=(f"{STEPS}::test_page_of_another_challenge_cannot_be_used",)),
    ),
    inherent=(
        Inherent(holds="once", reason="taking a handle is deleting its row, and there is one who deletes it", tests=(f"{FLOWS}::test_a_handle_opens_once",)),
        Inherent(holds="no page answers for somebody else", reason="the handle is in the store, and never in a form", tests=(f"{STEPS}::test_handle_of_a_challenge_is_not_in_the_browser",)),
    ),
)
# fmt: on
REQUIREMENTS = (B1, B2, B3, B4, B5, B12)
