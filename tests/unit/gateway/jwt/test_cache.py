"""J18: what was verified lately is found again, by the exact token, not for too long, not without bound."""

import tracemalloc

import pytest

from gateway.authorizers.jwt.cache import MAX_AGE_S, VerifiedTokens, digest_of
from gateway.authorizers.jwt.verified_token import VerifiedToken
from kit.jwt.algorithms import RS_FAMILY
from kit.jwt.verifier import Verifier
from tests.support.jwt_world import NOW_S, FakeKeys, claims, make_token, rsa_key, spec


def verified(text: str = "", **changes: object) -> VerifiedToken:
    verifier = Verifier(RS_FAMILY, spec().rules())
    token, kid = verifier.read(text or make_token(payload=claims(**changes)))
    found = verifier.open(token, FakeKeys(rsa_key()).get(kid))
    return VerifiedToken.of(found, verifier.check(found, NOW_S))


def digest(text: str) -> bytes:
    found = digest_of(text)
    assert found is not None
    return found


def cost_of(token: VerifiedToken, characters: int) -> int:
    cache = VerifiedTokens()
    cache.put(b"", 0, token, characters=characters, now_s=NOW_S)
    return cache.used_bytes


ONE, TWO, THREE = digest("one"), digest("two"), digest("three")


def test_found_again_until_it_expires() -> None:
    """J18: the entry ends at exp, judged by the clock of each request."""
    cache, token = VerifiedTokens(), verified(exp=NOW_S + 100)
    cache.put(ONE, 0, token, characters=900, now_s=NOW_S)
    assert cache.get(ONE, 0, NOW_S + 99.999) is token
    assert cache.get(ONE, 0, NOW_S + 100) is None
    assert len(cache) == 0


def test_kept_five_minutes_at_most() -> None:
    """J18: however long the token lives."""
    cache, token = VerifiedTokens(), verified(exp=NOW_S + 86400)
    cache.put(ONE, 0, token, characters=900, now_s=NOW_S)
    assert cache.get(ONE, 0, NOW_S + MAX_AGE_S - 0.001) is token
    assert cache.get(ONE, 0, NOW_S + MAX_AGE_S) is None
    assert MAX_AGE_S == 300


def test_a_clock_that_was_set_back_prolongs_nothing() -> None:
    """J18, R6: an entry from the future is verified again."""
    cache, token = VerifiedTokens(), verified()
    cache.put(ONE, 0, token, characters=900, now_s=NOW_S)
    assert cache.get(ONE, 0, NOW_S) is token
    assert cache.get(ONE, 0, NOW_S - 0.001) is None
    assert cache.get(ONE, 0, NOW_S) is None


def test_what_has_expired_is_not_kept() -> None:
    """J18: within the leeway a token is good, and verified each time."""
    cache = VerifiedTokens()
    cache.put(ONE, 0, verified(exp=NOW_S + 1), characters=900, now_s=NOW_S + 1)
    assert len(cache) == 0
    cache.put(ONE, 0, verified(exp=NOW_S + 1), characters=900, now_s=NOW_S + 0.5)
    assert len(cache) == 1


def test_emptied_when_a_key_was_lost() -> None:
    """J18: another generation of keys, and nothing is believed any longer."""
    cache, token = VerifiedTokens(), verified()
    cache.put(ONE, 0, token, characters=900, now_s=NOW_S)
    assert cache.get(ONE, 0, NOW_S) is token
    assert cache.get(ONE, 1, NOW_S) is None
    assert (len(cache), cache.used_bytes) == (0, 0)
    cache.put(ONE, 1, token, characters=900, now_s=NOW_S)
    assert cache.get(ONE, 1, NOW_S) is token


def test_what_keys_of_the_past_have_verified_is_not_kept() -> None:
    """J18: a request that waited for its key while another one heard that keys were lost."""
    cache, token = VerifiedTokens(), verified()
    assert cache.get(TWO, 1, NOW_S) is None
    cache.put(ONE, 0, token, characters=900, now_s=NOW_S)
    assert cache.get(ONE, 1, NOW_S) is None
    cache.put(ONE, 1, token, characters=900, now_s=NOW_S)
    assert cache.get(ONE, 1, NOW_S) is token


def test_bounded_in_number_and_the_least_used_goes_first() -> None:
    """J18."""
    cache, token = VerifiedTokens(max_entries=2), verified()
    cache.put(ONE, 0, token, characters=900, now_s=NOW_S)
    cache.put(TWO, 0, token, characters=900, now_s=NOW_S)
    assert cache.get(ONE, 0, NOW_S) is token
    cache.put(THREE, 0, token, characters=900, now_s=NOW_S)
    assert [cache.get(name, 0, NOW_S) for name in (ONE, TWO, THREE)] == [token, None, token]


def test_bounded_in_bytes() -> None:
    """J18: large tokens leave room for fewer."""
    token = verified()
    room = 2 * cost_of(token, 1000)
    cache = VerifiedTokens(max_bytes=room)
    for name in (ONE, TWO, THREE):
        cache.put(name, 0, token, characters=1000, now_s=NOW_S)
    assert (len(cache), cache.used_bytes) == (2, room)
    cache.put(ONE, 0, token, characters=1001, now_s=NOW_S)
    assert len(cache) == 1
    cache.put(TWO, 0, token, characters=room, now_s=NOW_S)
    assert cache.get(TWO, 0, NOW_S) is None


def test_the_same_token_again_is_counted_once() -> None:
    cache, token = VerifiedTokens(), verified()
    for _ in range(3):
        cache.put(ONE, 0, token, characters=900, now_s=NOW_S)
    assert (len(cache), cache.used_bytes) == (1, cost_of(token, 900))


def test_the_name_is_of_the_exact_token() -> None:
    """J18: one character more is another token, and what can be no token has no name."""
    text = make_token()
    assert digest_of(text) == digest_of(str(text.encode(), "ascii"))
    for other in (f"{text} ", f"{text}=", text[:-1], text.lower(), f"Bearer {text}"):
        assert digest_of(other) != digest_of(text)
    assert digest_of(f"{text}é") is None
    assert digest_of("x" * 8193) is None
    assert digest_of("x" * 8192) is not None


@pytest.mark.parametrize(
    "filler",
    [
        pytest.param({}, id="usual"),
        pytest.param({"x": "y" * 5000}, id="one long claim"),
        pytest.param({f"c{n}": n for n in range(400)}, id="many short claims"),
        pytest.param({f"claim-number-{n:03}": "a text of some length" for n in range(120)}, id="many claims"),
        pytest.param({"g": ["ab"] * 600}, id="a long list"),
        pytest.param({"scope": " ".join(f"s{n}" for n in range(900))}, id="many scopes"),
        pytest.param({"x": "\U0001f600" * 450}, id="wide characters"),
        pytest.param({"x": "\U0001f600" + "y" * 5000}, id="one wide character among many"),
        pytest.param({f"claim-number-{n:03}\U0001f600": "y\U0001f600" for n in range(90)}, id="wide names"),
    ],
)
def test_the_estimate_is_not_below_the_memory_that_entries_take(filler: dict[str, object]) -> None:
    """J18: or the bound in bytes would be none."""
    texts = [make_token(payload={**claims(sub=f"user-{n}"), **filler}) for n in range(40)]
    cache = VerifiedTokens()
    verified(texts[0])
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for text in texts:
            cache.put(digest(text), 0, verified(text), characters=len(text), now_s=NOW_S)
        used = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert len(cache) == len(texts)
    assert used <= cache.used_bytes
