# ruff: noqa: E501  # a table: one line of code an entry
"""B9: passwords that are proven without being sent."""

from tests.mutants.requirement import Inherent, Line, Requirement

MATHS = "auth/core/srp.py"
FLOW = "auth/flows/srp_sign_in.py"
KEPT = "auth/flows/srp_challenges.py"
CORE = "tests/unit/auth/core/test_srp.py"
SIGN_IN = "tests/unit/auth/flows/test_srp_sign_in.py"
PASSWORDS = "tests/unit/auth/flows/test_passwords.py"
STORE = "tests/contract/auth_store/test_srp_verifiers.py"

# fmt: off
B9 = Requirement(
    id="B9",
    title="SRP proves a password, and nothing else does",
    promise="A proof is judged by salt and verifier alone. Public numbers that lead to a known key are refused. A challenge is one answer's: dead at success, at the fifth wrong one and after three minutes. "
    "A verifier is a fast hash of the password, weaker at rest than argon2id: it is sealed with a key outside the database, and exists only in pools with a client for SRP.",
    lines=(
        Line(holds="A of zero, N, 2N", file=MATHS, old="    if public % N == 0:", new="    if False:", tests=(f"{CORE}::test_numbers_that_prove_nothing_are_refused", f"{SIGN_IN}::test_a_public_number_that_proves_nothing_begins_nothing")),
        Line(holds="what is no number, or too long", file=MATHS, old="    if len(text) > _MAX_HEX or _HEX.fullmatch(text) is None:", new="    if False:", tests=(f"{CORE}::test_numbers_that_prove_nothing_are_refused",)),
        Line(holds="u of zero", file=MATHS, old="    if u == 0:", new="    if False:", tests=(f"{CORE}::test_a_scrambler_of_zero_is_refused",)),
        Line(holds="the signature", file=FLOW, old="        is_signed = hmac.compare_digest(signed.encode(), given)", new="        is_signed = True", tests=(f"{SIGN_IN}::test_a_wrong_password_does_not",)),
        Line(holds="the whole signature", file=FLOW, old="hmac.compare_digest(signed.encode(), given)", new="given.startswith(signed.encode()[:-1])", tests=(f"{SIGN_IN}::test_a_signature_of_other_bytes_does_not",)),
        Line(holds="the password that it began with", file=FLOW, old="        is_same_password = kept is not None and kept.salt.hex() == challenge.salt", new="        is_same_password = True", tests=(f"{SIGN_IN}::test_a_password_that_was_changed_meanwhile_is_the_old_one",)),
        Line(holds="five wrong answers", file=FLOW, old=" and wrong.wrong < MAX_WRONG:", new=":", tests=(f"{SIGN_IN}::test_a_block_is_dead_after_the_fifth_wrong_answer",)),
        Line(holds="three minutes", file=KEPT, old="min(client.challenge_s, LIFE_S)", new="client.challenge_s", tests=(f"{SIGN_IN}::test_a_block_lives_three_minutes_at_most",)),
        Line(holds="a recent timestamp", file=FLOW, old="        if abs(signed_at - now) > CLOCK_TOLERANCE:", new="        if False:", tests=(f"{SIGN_IN}::test_a_stale_timestamp_is_refused",)),
        Line(holds="sealed", file="auth/store/sql/srp_verifiers.py", old="verifier=sealer.seal(_COLUMN, pool_id, sub, plain=plain)", new="verifier=plain", tests=(f"{STORE}::test_it_is_sealed_for_its_row[sqlite]",)),
        Line(holds="only where it is needed", file="auth/flows/passwords.py", old="        if not pool.takes_srp:\n            return None", new="        if False:\n            return None", tests=(f"{PASSWORDS}::test_without_such_a_client_nothing_is_kept",)),
    ),
    inherent=(
        Inherent(holds="once", reason="taking a challenge is deleting its row, and there is one who deletes it", tests=(f"{SIGN_IN}::test_a_block_is_dead_after_success", f"{SIGN_IN}::test_of_many_answers_at_once_one_is_let_in")),
        Inherent(holds="an altered block", reason="a block is found by the digest of its text", tests=(f"{SIGN_IN}::test_an_altered_block_is_none",)),
    ),
)
# fmt: on
REQUIREMENTS = (B9,)
