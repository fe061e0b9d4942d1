"""`gateway.explain.near`: the routes that come near, why they do not answer, and what one may have meant."""

from difflib import SequenceMatcher
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.explain.near import SHOWN, matches_path, nearest
from gateway.explain.values import NotChosen
from gateway.route_key import RouteKey
from gateway.route_table import RouteTable

WORDS = ("a", "b", "notes", "Notes", "")


def near(method: str, path: str, *keys: str, chosen: str | None = None) -> list[tuple[str, str, str | None]]:
    found = nearest(
        [RouteKey.parse(key) for key in keys],
        method,
        path.split("/")[1:],
        None if chosen is None else RouteKey.parse(chosen),
    )
    assert all(isinstance(each, NotChosen) for each in found)
    return [(each.key, each.why, each.instead) for each in found]


@given(
    st.lists(st.sampled_from(["a", "b", "{x}", "{y}"]), max_size=3),
    st.sampled_from(["", "end", "{z+}", None]),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=5),
)
def test_a_path_fits_where_the_route_table_says_so(
    parts: list[str], last: str | None, segments: list[str]
) -> None:
    names = iter("klmn")
    parts = [f"{{{next(names)}}}" if part.startswith("{") else part for part in parts]
    path = "/" + "/".join([*parts, *([] if last is None else [last])])
    key = RouteKey.parse(f"GET {path}")
    table = RouteTable([(key, key)])
    assert matches_path(key, segments) == (table.match("GET", segments) is not None)
    assert list(table) == [key]


def test_every_route_is_seen_once() -> None:
    keys = [
        RouteKey.parse(text)
        for text in (
            *(
                "ANY /a",
                "GET /a",
                "POST /a/{b}",
                "ANY /a/{b}/{c+}",
                "GET /",
                "GET /a/",
                "$default",
                "ANY /{p+}",
            ),
            *("GET /a/x", "DELETE /a/{b}"),
        )
    ]
    found = list(RouteTable([(key, key) for key in keys]))
    assert sorted(map(str, found)) == sorted(map(str, keys))


@pytest.mark.parametrize(
    ("request_", "key", "why", "instead"),
    [
        pytest.param("DELETE /notes", "GET /notes", "the method DELETE is not GET", "GET /notes", id="method"),
        pytest.param(
            "FETCH /notes", "ANY /notes", "the method FETCH is not one of the seven methods of a route",
            "GET /notes", id="foreign-method",
        ),
        pytest.param(
            "GET /notes/", "GET /notes", "the request's path ends with a slash, this one does not",
            "GET /notes", id="slash",
        ),
        pytest.param("GET /notes", "GET /notes/", "this path ends with a slash", "GET /notes/", id="no-slash"),
        pytest.param("GET /Notes/7", "GET /notes/{id}", "case counts in a path", "GET /notes/7", id="case"),
        pytest.param(
            "GET /note/7", "GET /notes/{id}", "segment 1 is 'note', not 'notes'", "GET /notes/7", id="typo"
        ),
        pytest.param(
            "PUT /note/7", "GET /notes/{id}", "segment 1 is 'note', not 'notes', and it is for GET",
            "GET /notes/7", id="typo-and-method",
        ),
        pytest.param(
            "GET /notes/7/delete", "GET /notes/{id}/share", "segment 3 is 'delete', not 'share'", None, id="word"
        ),
        pytest.param(
            "GET /notes/7", "GET /notes", "this path has 1 segment, the request's 2", None, id="longer"
        ),
        pytest.param(
            "GET /files", "GET /files/{path+}", "this path has 2 segments, the request's 1", None, id="greedy"
        ),
    ],
)  # fmt: skip
def test_why_not(request_: str, key: str, why: str, instead: str | None) -> None:
    method, path = request_.split(" ")
    assert near(method, path, key) == [(key, why, instead)]


def test_what_has_nothing_in_common_is_left_out() -> None:
    assert near("GET", "/notes/7", "GET /files/{name}", "GET /a/b/c", "POST /{a}/x/y/z") == []


def test_less_specific_routes_are_named_beside_the_chosen_one() -> None:
    keys = ("GET /notes/{id}", "ANY /{proxy+}", "$default")
    why = "it fits too, but GET /notes/{id} is more specific"
    found = near("GET", "/notes/7", *keys, chosen="GET /notes/{id}")
    assert found == [("$default", why, None), ("ANY /{proxy+}", why, None)]


def test_the_nearest_come_first_and_they_are_few() -> None:
    keys = [f"GET /item{number}" for number in range(100)]
    found = near("GET", "/item5/", "POST /other", *keys, "ANY /{p+}", chosen="ANY /{p+}")
    assert found[0] == ("GET /item5", "the request's path ends with a slash, this one does not", "GET /item5")
    assert len(found) <= SHOWN


def test_of_many_routes_few_are_compared_letter_by_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparing 10,000 words letter by letter would take a second."""
    compared = []

    class Counting(SequenceMatcher[str]):
        def __init__(self, *words: Any) -> None:
            compared.append(words)
            super().__init__(*words)

    monkeypatch.setattr("gateway.explain.near.SequenceMatcher", Counting)
    keys = [RouteKey.parse(f"GET /resource{number}/{{id}}") for number in range(1000)]
    assert len(nearest(keys, "GET", ["resource", "7"], None)) == SHOWN
    assert 0 < len(compared) <= 64
