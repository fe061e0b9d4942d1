# ruff: noqa: E501  # a table: one line of code an entry
"""A5-A9, A17-A19: what a code, a refresh token and a client's secret are worth, and for how long."""

from tests.mutants.requirement import Inherent, Line, Requirement, Shown

OAUTH = "auth/oauth"
SQL = "auth/store/sql"
GRANTS = f"{SQL}/grants.py"
CONTRACT = "tests/contract/auth_store"
KEPT = f"{CONTRACT}/test_grants.py"
USERS = f"{CONTRACT}/test_users.py"
SECRETS = f"{CONTRACT}/test_secrets.py"
SESSIONS = f"{CONTRACT}/test_sessions_keys_audit.py"
RACES = f"{CONTRACT}/test_races.py"
TOKEN = "tests/e2e/oauth/test_token_endpoint.py"
CLIENTS = "tests/unit/auth/oauth/test_client_authentication.py"
MADE = "tests/unit/auth/tokens/test_tokens.py"
CLAIMS = "tests/unit/auth/tokens/test_claims.py"
REQUESTS = "tests/unit/auth/oauth/test_authorization_request.py"
FLOWS = "tests/unit/auth/flows"
API_CLIENTS = "tests/unit/auth/cognito/test_clients.py"
FAMILY = """t.grants.c.client_id == bindparam("of_client"))"""

# fmt: off
A5 = Requirement(
    id="A5",
    title="A code is redeemed once, by who asked for it",
    promise="256 random bits, five minutes, one winner however many try at once, from any number of processes; bound to its client, address, PKCE "
    "challenge and nonce. Only its digest is stored.",
    lines=(
        Line(holds="256 bits", file=f"{OAUTH}/authorize.py", old="        code = secrets.token_urlsafe(32)", new="        code = secrets.token_urlsafe(8)", tests=(f"{TOKEN}::test_one_of_many_redemptions_wins",)),
        Line(holds="five minutes", file=f"{OAUTH}/authorize.py", old="CODE_LIFETIME = timedelta(minutes=5)", new="CODE_LIFETIME = timedelta(minutes=15)", tests=(f"{TOKEN}::test_code_lives_five_minutes",)),
        Line(holds="not a moment after its end", file=GRANTS, old=""", _code.expires_at > bindparam("now", type_=UtcMs))""", new=")", tests=(f"{KEPT}::test_a_code_of_another_client_or_time_is_refused_and_lives[sqlite-expired]",)),
        Line(holds="one winner", file=GRANTS, old="    .where(_code.redeemed_at.is_(None), _code.expires_at >", new="    .where(_code.expires_at >", tests=(f"{TOKEN}::test_one_of_many_redemptions_wins",)),
        Line(holds="its client", file=GRANTS, old="""_code.client_id == bindparam("of_client"))""", new="""bindparam("of_client") != "")""", tests=(f"{KEPT}::test_a_code_of_another_client_or_time_is_refused_and_lives[sqlite-client]", f"{TOKEN}::test_code_is_bound_to_its_client")),
        Line(holds="its address", file=f"{OAUTH}/grants/authorization_code.py", old="            is_same = hmac.compare_digest(_octets(redeemed.redirect_uri), _octets(redirect_uri))", new="            is_same = True", tests=(f"{TOKEN}::test_code_is_bound[another-address]",)),
        Line(holds="who proves it wrongly has used it up", file=GRANTS, old="            if not check(redeemed):", new="            if False:", tests=(f"{KEPT}::test_a_wrong_verifier_burns_the_code[sqlite]",)),
        Line(holds="stored as a digest", file="auth/sealing.py", old="    return hashlib.sha256(handle.encode()).digest()", new="    return handle.encode()", tests=(f"{KEPT}::test_the_database_holds_neither_codes_nor_tokens[sqlite]",)),
    ),
    shown=(
        Shown(holds="fifty at once, from several processes, on SQLite and PostgreSQL", tests=(f"{RACES}::test_one_of_fifty_redeems_a_code",)),
    ),
)

A6 = Requirement(
    id="A6",
    title="A code that comes twice was stolen",
    promise="The second use is refused, and what the first one gave is revoked, for as long as ten minutes after the code has expired.",
    lines=(
        Line(holds="the first one's tokens die", file=GRANTS, old="                _punish_reuse(connection, handle, now)", new="                pass", tests=(f"{KEPT}::test_a_code_is_redeemed_once_and_its_replay_ends_the_first_use[sqlite]",)),
        Line(holds="what is revoked is dead", file=f"{SQL}/grant_rows.py", old="    _of.revoked_at.is_(None),\n", new="", tests=(f"{KEPT}::test_a_code_is_redeemed_once_and_its_replay_ends_the_first_use[sqlite]",)),
        Line(holds="a used code is remembered", file=f"{SQL}/cleaning.py", old="table.c.expires_at <= now - REPLAY)", new="table.c.expires_at <= now)", tests=(f"{KEPT}::test_a_replay_is_noticed_after_the_code_has_expired[sqlite]",)),
    ),
)

A7 = Requirement(
    id="A7",
    title="A refresh token is used once",
    promise="For clients with the code flow each refresh gives a new token (`rotate_refresh: false` switches it off). Using an old one ends the whole family, "
    "but for a retry within the grace (`refresh_grace`, 10 s): whose answer got lost gets the same successor again, so nothing forks.",
    lines=(
        Line(holds="a new one each time", file="auth/flows/refresh.py", old="        rotates = client.rotates_refresh  # A7", new="        rotates = False", tests=(f"{TOKEN}::test_refresh_token_rotates",)),
        Line(holds="from the newest only", file=GRANTS, old="""_family.generation == bindparam("made"))""", new="""bindparam("made") > 0)""", tests=(f"{KEPT}::test_reuse_after_the_grace_revokes_the_family[sqlite]",)),
        Line(holds="reuse ends the family", file=GRANTS, old='                revoke_grant(connection, read.grant_id, "refresh token used again", now)', new="                pass", tests=(f"{KEPT}::test_reuse_after_the_grace_revokes_the_family[sqlite]",)),
        Line(holds="a grace of seconds", file=GRANTS, old="    return bool(abs(now - row.rotated_at) <= grace)", new="    return True", tests=(f"{KEPT}::test_reuse_after_the_grace_revokes_the_family[sqlite]",)),
        Line(holds="for the last one only", file=GRANTS, old="    if row is None or row.generation != read.generation + 1:", new="    if row is None:", tests=(f"{KEPT}::test_reuse_of_the_one_before_last_revokes_even_within_the_grace[sqlite]",)),
        Line(holds="what we did not make ends nothing", file=GRANTS, old="        if not read.is_of(secret) or read.generation > row.generation:", new="        if read.generation > row.generation:", tests=(f"{KEPT}::test_garbage_is_refused_and_writes_nothing[sqlite]",)),
    ),
    shown=(
        Shown(holds="fifty at once, from several processes, on SQLite and PostgreSQL", tests=(f"{RACES}::test_one_of_fifty_rotations_without_a_grace_wins",)),
    ),
)

A8 = Requirement(
    id="A8",
    title="A refresh token ends with what it came from",
    promise="It is its client's, and can only narrow what was granted. It dies when the password is reset or set, when it is changed (all sessions but the "
    "one that changed it), at a sign-out everywhere, and when the user is disabled or deleted or the client leaves the file.",
    lines=(
        Line(holds="its client", file=GRANTS, old=FAMILY, new="""bindparam("of_client") != "")""", tests=(f"{KEPT}::test_a_token_is_bound_to_its_client[sqlite]", f"{TOKEN}::test_refresh_is_bound_to_its_client")),
        Line(holds="narrower only", file=f"{OAUTH}/scope.py", old="    return _within(asked, before)", new="    return tuple(asked.split()) or before", tests=(f"{TOKEN}::test_refresh_narrows_only",)),
        Line(holds="what is refused uses nothing up", file=f"{OAUTH}/grants/refresh_token.py", old="        if asked is not None and self.request.client.client.rotates_refresh:", new="        if False:", tests=(f"{TOKEN}::test_refresh_narrows_only",)),
        Line(holds="a new password", file=f"{SQL}/users.py", old="            if end_sessions:\n", new="            if False:\n", tests=(f"{USERS}::test_all_sessions_end[sqlite-password]",)),
        Line(holds="a reset by code", file=f"{SQL}/codes.py", old='    end_sessions(connection, pool_id, effect.sub, "password reset", now)', new="    pass", tests=(f"{SECRETS}::test_a_reset_code_sets_the_password_and_ends_all_sessions[sqlite]", f"{FLOWS}/test_recovery.py::test_a_reset_ends_every_session")),
        Line(holds="a reset that an operator asks for", file=f"{SQL}/users.py", old='                end_sessions(connection, pool_id, sub, "password reset", now)', new="                pass", tests=(f"{USERS}::test_all_sessions_end[sqlite-reset-required]",)),
        Line(holds="a disabled user", file=f"{SQL}/users.py", old='                end_sessions(connection, pool_id, sub, "user disabled", now)', new="                pass", tests=(f"{USERS}::test_a_session_that_was_ended_stays_so_when_its_user_is_enabled_again[sqlite]",)),
        Line(holds="a sign-out everywhere", file=GRANTS, old='            end_sessions(connection, pool_id, sub, "signed out", now, except_grant=except_grant)', new="            pass", tests=(f"{USERS}::test_all_sessions_end[sqlite-sign-out]",)),
        Line(holds="all but the one that changed it", file=f"{SQL}/ending.py", old=' of.grant_id != (except_grant or ""))', new=")", tests=(f"{USERS}::test_a_changed_password_spares_the_session_that_changed_it[sqlite]", f"{FLOWS}/test_account.py::test_a_change_ends_every_session_but_its_own")),
        Line(holds="what began before it", file=f"{SQL}/ending.py", old="    return or_(began >= since,", new="    return or_(since >= since,", tests=(f"{USERS}::test_a_sign_in_that_began_before_the_reset_gives_nothing[sqlite]",)),
        Line(holds="browser sessions", file=f"{SQL}/ending.py", old="    connection.execute(delete(t.browser_sessions).where(session.pool_id == pool_id, session.sub == sub))", new="    pass", tests=(f"{SESSIONS}::test_a_session_ends_with_its_user[sqlite-sign-out]",)),
        Line(holds="half-way sign-ins", file="auth/flows/progress.py", old="        if user is not None and state.proofs and state.proven_at < user.tokens_valid_from:", new="        if False:", tests=(f"{FLOWS}/test_challenges.py::test_a_half_way_sign_in_ends_with_the_sessions[sign_out]",)),
        Line(holds="a closed client", file=f"{OAUTH}/client_authentication.py", old="        if client.is_closed or pool.is_closed:", new="        if False:", tests=(f"{CLIENTS}::test_a_closed_client_refreshes_nothing",)),
    ),
    inherent=(
        Inherent(holds="a deleted user", reason="their grants are rows that go with theirs", tests=(f"{USERS}::test_a_deleted_user_leaves_nothing[sqlite]",)),
    ),
)

A9 = Requirement(
    id="A9",
    title="A client can take a token back",
    promise="It proves who it is, like at the token endpoint. An unknown token is answered 200, like a known one. With a refresh token its access tokens die "
    "wherever that is looked at: at userInfo, and at an authorizer that checks revocation.",
    lines=(
        Line(holds="it is revoked", file=GRANTS, old='        self.revoke(read.grant_id, "token revoked", now)', new="        pass", tests=(f"{KEPT}::test_revocation_by_the_token[sqlite]",)),
        Line(holds="by its own client", file=GRANTS, old=FAMILY, new="""bindparam("of_client") != "")""", tests=(f"{KEPT}::test_revocation_by_the_token[sqlite]",)),
        Line(holds="which proves who it is", file=f"{OAUTH}/client_authentication.py", old="        if not _is_one_of(presented.secrets, valid):  # A17", new="        if False:", tests=(f"{TOKEN}::test_revocation_needs_the_client",)),
        Line(holds="200 for what is unknown", file=GRANTS, old="        except NotAuthorized:\n            return False", new="        except ZeroDivisionError:\n            return False", tests=(f"{TOKEN}::test_revoked_refresh_token_takes_its_tokens_along",)),
        Line(holds="its access tokens too", file=f"{OAUTH}/userinfo.py", old="        if live is None or live.user.sub != access.sub:", new="        if live is None:\n            return {}\n        if live.user.sub != access.sub:", tests=(f"{TOKEN}::test_revoked_refresh_token_takes_its_tokens_along",)),
    ),
)

A17 = Requirement(
    id="A17",
    title="A client's secret",
    promise="Made of 268 random bits, sealed in the database, compared in constant time, sent by HTTP Basic or in the form and never by both. Wrong ones are "
    "counted by client and address: after ten, a lock that doubles up to five minutes.",
    lines=(
        Line(holds="the right one", file=f"{OAUTH}/client_authentication.py", old="        if not _is_one_of(presented.secrets, valid):  # A17", new="        if False:", tests=(f"{TOKEN}::test_client_authentication[wrong]", f"{TOKEN}::test_client_authentication[no-secret]")),
        Line(holds="one way", file=f"{OAUTH}/client_authentication.py", old='    if "client_secret" in form:  # A17', new="    if False:", tests=(f"{TOKEN}::test_client_authentication[both]",)),
        Line(holds="none where there is none", file=f"{OAUTH}/client_authentication.py", old="        elif presented.secrets:", new="        elif False:", tests=(f"{CLIENTS}::test_a_client_without_a_secret_sends_none",)),
        Line(holds="a lock", file=f"{OAUTH}/client_authentication.py", old="        if seen is not None and seen.locked_until is not None and seen.locked_until > now:  # A17", new="        if False:", tests=(f"{TOKEN}::test_wrong_secrets_are_limited",)),
        Line(holds="wrong ones count", file=f"{OAUTH}/client_authentication.py", old='            self._attempts.count(client.pool_id, "client", subject, RULE, now)', new="            pass", tests=(f"{CLIENTS}::test_a_wrong_secret_is_counted_and_written_down",)),
        Line(holds="128 bits and more", file=f"{SQL}/client_secrets.py", old="SECRET_LENGTH = 52", new="SECRET_LENGTH = 20", tests=(f"{CONTRACT}/test_pools.py::test_a_secret_is_long_and_sealed[sqlite]",)),
        Line(holds="sealed", file=f"{SQL}/client_secrets.py", old='sealed=sealer.seal("client_secrets.sealed", client_id, secret_id, plain=secret.encode()),', new="sealed=secret.encode(),", tests=(f"{CONTRACT}/test_pools.py::test_a_secret_is_long_and_sealed[sqlite]",)),
    ),
)

A18 = Requirement(
    id="A18",
    title="A client for itself is no user",
    promise="Client credentials give an access token and nothing else: no refresh token, no ID token, no scope about a user, none that the client has not. Its "
    "`sub` is the client's id, which can be no user's.",
    lines=(
        Line(holds="its own scopes", file="auth/tokens/tokens.py", old="        if not set(scopes) <= set(client.scopes):  # A18", new="        if False:", tests=(f"{MADE}::test_a_client_gets_no_scope_that_it_has_not",)),
        Line(holds="none about a user, in a token", file="auth/tokens/tokens.py", old="        if not set(scopes).isdisjoint(STANDARD_SCOPES):  # A18", new="        if False:  # A18", tests=(f"{MADE}::test_a_client_gets_no_scope_about_a_user",)),
        Line(holds="nor when all are asked for", file=f"{OAUTH}/scope.py", old=" if scope not in STANDARD_SCOPES)  # A18", new=")", tests=(f"{TOKEN}::test_client_credentials",)),
        Line(holds="an id that is no user's", file="auth/tokens/tokens.py", old="        if _UUID.fullmatch(client.client_id):  # A18", new="        if False:  # A18", tests=(f"{MADE}::test_a_client_cannot_pose_as_a_user",)),
        Line(holds="by API: a machine is no user", file="auth/core/client_rules.py", old="        if len(oauth) > 1:  # A18", new="        if False:  # A18", tests=(f"{API_CLIENTS}::test_a_machine_is_a_machine_only",)),
        Line(holds="by API: no scope about a user", file="auth/core/client_rules.py", old='        if "client_credentials" in client.flows and scope in STANDARD_SCOPES:  # A18', new="        if False:  # A18", tests=(f"{API_CLIENTS}::test_a_machine_has_no_scope_about_a_user",)),
        Line(holds="by API: a secret", file="auth/core/client_rules.py", old="        if not client.has_secret:  # A18", new="        if False:  # A18", tests=(f"{API_CLIENTS}::test_a_machine_has_a_secret",)),
        Line(holds="clients that have the flow, and a secret", file=f"{OAUTH}/client_authentication.py", old='                return "client_credentials" in flows and self.client.has_secret', new="                return True", tests=(f"{TOKEN}::test_grants_are_for_clients_that_have_them",)),
    ),
    inherent=(
        Inherent(holds="nothing to refresh with", reason="there is no grant that a refresh token could be of", tests=(f"{MADE}::test_a_client_gets_an_access_token_and_nothing_else", f"{TOKEN}::test_client_credentials")),
    ),
)

A19 = Requirement(
    id="A19",
    title="No scope that was not both asked for and allowed",
    promise="Granted is what the client asks for and may have; asking for more is refused. No scope asked means all that the client may have. A scope that the "
    "client has lost is lost to its old sessions too, and an attribute whose scope was not granted is in no token.",
    lines=(
        Line(holds="what it may have", file=f"{OAUTH}/scope.py", old="    if not set(words) <= set(allowed):  # A19", new="    if False:", tests=(f"{REQUESTS}::test_no_scope_means_all_of_the_client",)),
        Line(holds="nothing asked is all", file=f"{OAUTH}/scope.py", old="    return words or tuple(allowed)", new="    return words", tests=(f"{REQUESTS}::test_no_scope_means_all_of_the_client",)),
        Line(holds="what it has today", file="auth/tokens/claims.py", old=" if scope in client.scopes)  # A19", new=")", tests=(f"{CLAIMS}::test_a_scope_that_the_client_lost_is_lost_to_its_grants",)),
        Line(holds="an ID token is for openid", file="auth/tokens/claims.py", old='    return grant.kind == "api" or "openid" in granted_scopes(grant, client)', new="    return True", tests=(f"{CLAIMS}::test_who_gets_an_id_token", f"{MADE}::test_without_openid_there_is_no_id_token")),
        Line(holds="attributes of a granted scope", file="auth/tokens/claims.py", old="        if is_attribute and (scopes is None or _scope_of(name) in scopes):", new="        if is_attribute:", tests=(f"{CLAIMS}::test_scopes_let_attributes_out",)),
        Line(holds="nothing but attributes", file="auth/tokens/claims.py", old="        if is_attribute and (scopes is None or _scope_of(name) in scopes):", new="        if scopes is None or _scope_of(name) in scopes:", tests=(f"{CLAIMS}::test_no_attribute_poses_as_a_claim",)),
    ),
)
# fmt: on
REQUIREMENTS = (A5, A6, A7, A8, A9, A17, A18, A19)
