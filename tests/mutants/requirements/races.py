# ruff: noqa: E501  # a table: one line of code an entry
"""L4, R6, R8: what is written down of it all, clocks that jump, and many who try at once."""

from tests.mutants.requirement import Line, Requirement, Shown

FLOWS = "auth/flows"
TESTS = "tests/unit/auth/flows"
AUDIT = f"{TESTS}/test_audit.py"
STEPS = f"{TESTS}/test_challenges.py"
SQL = "auth/store/sql"
CONTRACT = "tests/contract/auth_store"
RACES = f"{CONTRACT}/test_races.py"

# fmt: off
L4 = Requirement(
    id="L4",
    title="What happened is written down",
    promise="Sign-ins and failures, locks, changed passwords and second factors, what operators do, wrong client secrets, reused and revoked tokens, rotated keys, changed pools: "
    "in order, with time, actor, address and result, and with nothing that somebody typed. The database refuses to change or delete such a row.",
    lines=(
        Line(holds="a sign-in", file=f"{FLOWS}/progress.py", old='        self.record("sign_in", "ok", pool, user, origin, now, " ".join(amr))', new="        pass", tests=(f"{AUDIT}::test_a_sign_in_is_written_down",)),
        Line(holds="a failure", file=f"{FLOWS}/first_factor.py", old='            self._record(pool, person, origin, now, f"failure {failures}")', new="            pass", tests=(f"{AUDIT}::test_a_failure_is_written_down",)),
        Line(holds="a lock", file=f"{FLOWS}/first_factor.py", old="            self._record_lock(pool, person, failures, origin, now)", new="            pass", tests=(f"{AUDIT}::test_a_lock_is_written_down",)),
        Line(holds="a changed password", file=f"{FLOWS}/account.py", old='        self._record("password_changed", "ok", pool, sub, origin, now)', new="        pass", tests=(f"{AUDIT}::test_a_changed_password_is_written_down",)),
        Line(holds="a reset", file=f"{FLOWS}/recovery.py", old='        self._record("password_reset", "ok", pool, person.target, origin, now)', new="        pass", tests=(f"{AUDIT}::test_a_reset_password_is_written_down",)),
        Line(holds="a second factor", file=f"{FLOWS}/second_factor.py", old='        self._record("mfa_changed", pool, sub, now, origin, " ".join(sorted(preference.enabled)) or "off")', new="        pass", tests=(f"{AUDIT}::test_a_second_factor_is_written_down",)),
        Line(holds="what an operator does", file=f"{FLOWS}/administration.py", old='        self._record("user_disabled", pool, user.sub, now)', new="        pass", tests=(f"{TESTS}/test_administration.py::test_what_an_operator_did_is_audited",)),
        Line(holds="a wrong secret", file="auth/oauth/client_authentication.py", old='            self._audit.record(\n                "client_refused",', new='            self._audit.record(\n                "sign_up",', tests=("tests/unit/auth/oauth/test_client_authentication.py::test_a_wrong_secret_is_counted_and_written_down",)),
        Line(holds="a reused token", file="auth/flows/refresh.py", old="                self._record_reuse(client, origin, now)", new="                pass", tests=("tests/e2e/oauth/test_failures_and_records.py::test_audit_tells_of_refusals",)),
        Line(holds="nothing is taken back", file=f"{SQL}/migrations/versions/m0001_user_pools.py", old="SELECT RAISE(ABORT,", new="SELECT RAISE(IGNORE) WHERE 0 IN (1,", tests=(f"{CONTRACT}/test_sessions_keys_audit.py::test_the_audit_is_append_only[sqlite-DELETE FROM audit]",)),
    ),
)

R6 = Requirement(
    id="R6",
    title="A clock that jumps gives nothing and locks nobody out",
    promise="An hour forward or back: no token, code, challenge or grace lives longer, no used code comes again, no lock outlasts itself, and who signs in afterwards is let in.",
    lines=(
        Line(holds="locks", file=f"{SQL}/attempts.py", old=", until <= _at(\"too_late\"))", new=")", tests=(f"{CONTRACT}/test_secrets.py::test_a_clock_that_jumps_locks_nobody_out[sqlite-step1]",)),
        Line(holds="windows", file=f"{SQL}/attempts.py", old=", _of.last_at > _at(\"soon\"))", new=")", tests=(f"{CONTRACT}/test_secrets.py::test_a_window_begins_anew_when_a_clock_was_set_back[sqlite]",)),
        Line(holds="challenges", file=f"{FLOWS}/challenges.py", old="not opened.opened_at - _CLOCK_SLACK <= now < opened.expires_at:", new="False:", tests=(f"{STEPS}::test_a_handle_does_not_live_longer_by_a_clock_that_is_set_back",)),
        Line(holds="used codes of an app", file="auth/core/totp.py", old="REMEMBER_S: Final = 2 * 3600", new="REMEMBER_S: Final = 60", tests=(f"{STEPS}::test_a_used_code_stays_used_when_the_clock_is_set_back",)),
        Line(holds="the grace of a refresh token", file=f"{SQL}/grants.py", old="abs(now - row.rotated_at) <= grace", new="now - row.rotated_at <= grace", tests=(f"{CONTRACT}/test_grants.py::test_a_clock_that_was_set_back_makes_no_longer_grace[sqlite]",)),
        Line(holds="sign-outs", file=f"{SQL}/ending.py", old=', since > bindparam("wrong_clock", type_=UtcMs))', new=")", tests=(f"{CONTRACT}/test_users.py::test_a_sign_out_of_a_clock_that_was_an_hour_ahead_locks_nobody_out[sqlite]",)),
        Line(holds="sign-ins of two steps", file=f"{FLOWS}/sign_in.py", old="        proven_at = max(now, user.tokens_valid_from)", new="        proven_at = now", tests=(f"{TESTS}/test_sign_in.py::test_a_password_that_was_set_by_a_clock_ahead_of_time_is_no_lock_out",)),
    ),
)

R8 = Requirement(
    id="R8",
    title="Of many at once, one",
    promise="Codes, refresh tokens, counters, names and addresses are decided by one statement or one unique row of the database, whichever process asks.",
    lines=(
        Line(holds="a code", file=f"{SQL}/grants.py", old="    .where(_code.redeemed_at.is_(None), _code.expires_at >", new="    .where(_code.expires_at >", tests=("tests/e2e/oauth/test_token_endpoint.py::test_one_of_many_redemptions_wins",)),
        Line(holds="a refresh token", file=f"{SQL}/grants.py", old="""_family.generation == bindparam("made"))""", new="""bindparam("made") > 0)""", tests=(f"{CONTRACT}/test_grants.py::test_reuse_after_the_grace_revokes_the_family[sqlite]",)),
        Line(holds="a person's row", file=f"{SQL}/users.py", old=", t.users.c.version == seen.version)", new=")", tests=(f"{CONTRACT}/test_users.py::test_an_update_of_a_row_that_was_changed_keeps_both_changes[sqlite]",)),
        Line(holds="the key file", file="auth/key_file.py", old="                os.link(draft.name, self.path)", new="                os.rename(draft.name, self.path)", tests=("tests/unit/auth/test_key_file.py::test_two_that_start_together_have_one_key",)),
    ),
    shown=(
        Shown(holds="fifty at once, from several processes, on SQLite and PostgreSQL", tests=(f"{RACES}::test_one_of_fifty_redeems_a_code", f"{RACES}::test_one_of_fifty_rotations_without_a_grace_wins", f"{RACES}::test_fifty_wrong_passwords_are_fifty", f"{RACES}::test_one_of_fifty_uses_a_code", f"{RACES}::test_one_of_fifty_gets_an_address")),
    ),
)
# fmt: on
REQUIREMENTS = (L4, R6, R8)
