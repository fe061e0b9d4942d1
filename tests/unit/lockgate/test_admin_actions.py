"""P5: what changes something on the admin listener is for whoever has the key, is bounded, and is audited."""

import json
import logging
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from kit.sigv4 import Credentials, sign
from lockgate.admin import admin_app
from lockgate.admin_actions import MAX_BODY_BYTES, SERVICE, ActionAnswer, Actions

BASE = "http://127.0.0.1:8083"
KEYS = Credentials("LKIATESTTESTTESTTEST", "a-secret/of+the+test")
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


class Admin:
    """An admin listener with the actions ``turn`` and ``broken``."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.asked: list[Mapping[str, Any]] = []
        self.audited: list[tuple[str, str, int]] = []

    async def turn(self, asked: Mapping[str, Any]) -> ActionAnswer:
        self.asked.append(asked)
        return ActionAnswer(status=409, value={"turned": False})

    async def broken(self, asked: Mapping[str, Any]) -> ActionAnswer:
        raise RuntimeError("a detail of ours")

    async def post(
        self,
        body: bytes = b"{}",
        *,
        path: str = "/turn",
        headers: Mapping[str, str] | None = None,
        keys: Credentials = KEYS,
        now: datetime = NOW,
        region: str = "us-east-1",
        service: str = SERVICE,
        sent: bytes | None = None,
    ) -> httpx.Response:
        """:param sent: another body than the one that is signed."""
        signed = sign("POST", BASE + path, {}, body, keys, region, service, now)
        return await self.client.post(
            path, content=body if sent is None else sent, headers=signed | dict(headers or {})
        )


@pytest.fixture
async def admin() -> AsyncIterator[Admin]:
    made = Admin(httpx.AsyncClient())
    actions = Actions(
        {"turn": made.turn, "broken": made.broken},
        secrets={KEYS.access_key_id: KEYS.secret_access_key}.get,
        region="us-east-1",
        audit=lambda *words: made.audited.append(words),
        now=lambda: NOW,
    )
    app = admin_app(CollectorRegistry(), tuple, actions)
    await made.client.aclose()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as made.client:
        yield made


async def test_signed_call_is_run_answered_and_audited(admin: Admin) -> None:
    """P5: by whom, and how it ended."""
    response = await admin.post(json.dumps({"far": 3}).encode())
    assert (response.status_code, response.json()) == (409, {"turned": False})
    assert response.headers["cache-control"] == "no-store"
    assert admin.asked == [{"far": 3}]
    assert admin.audited == [("turn", KEYS.access_key_id, 409)]


async def test_no_body_is_an_empty_object(admin: Admin) -> None:
    assert (await admin.post(b"")).status_code == 409
    assert admin.asked == [{}]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        pytest.param({"keys": Credentials(KEYS.access_key_id, "x")}, 403, "InvalidSignature", id="secret"),
        pytest.param({"keys": Credentials("LKIA", "x")}, 403, "UnrecognizedClient", id="key"),
        pytest.param({"now": NOW - timedelta(minutes=6)}, 403, "InvalidSignature", id="old"),
        pytest.param({"now": NOW + timedelta(minutes=6)}, 403, "InvalidSignature", id="early"),
        pytest.param({"service": "lambda"}, 403, "InvalidSignature", id="signed-for-the-lambda-api"),
        pytest.param({"region": "eu-west-1"}, 403, "InvalidSignature", id="region"),
        pytest.param({"sent": b'{"far":1}'}, 403, "InvalidSignature", id="other-body"),
        pytest.param({"headers": {"authorization": ""}}, 403, "MissingAuthenticationToken", id="unsigned"),
    ],
)
async def test_who_does_not_prove_the_key_is_refused(
    admin: Admin, change: dict[str, Any], status: int, code: str
) -> None:
    """P5: nothing is run; its twin is the call that is signed."""
    response = await admin.post(**change)
    assert (response.status_code, response.json()["code"].removesuffix("Exception")) == (status, code)
    assert admin.asked == []
    assert admin.audited == []


@pytest.mark.parametrize("headers", [{"origin": BASE}, {"host": "evil.example"}])
async def test_web_page_is_refused_also_with_a_good_signature(admin: Admin, headers: dict[str, str]) -> None:
    assert (await admin.post(headers=headers)).status_code == 403
    assert admin.asked == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"[]", 400, id="no-object"),
        pytest.param(b"{", 400, id="no-json"),
        pytest.param(b'{"x":"%b"}' % (b"x" * MAX_BODY_BYTES), 413, id="too-large"),
    ],
)
async def test_body_that_is_none_is_refused(admin: Admin, body: bytes, status: int) -> None:
    response = await admin.post(body)
    assert response.status_code == status
    assert response.json()["message"]
    assert admin.asked == []


async def test_body_of_who_has_no_key_is_not_read(admin: Admin) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"x"
        raise AssertionError("more was read")

    signed = sign("POST", f"{BASE}/turn", {}, b"", Credentials("LKIA", "x"), "us-east-1", SERVICE, NOW)
    response = await admin.client.post("/turn", content=endless(), headers=signed)
    assert response.status_code == 403


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_only_post_runs_an_action(admin: Admin, method: str) -> None:
    response = await admin.client.request(method, "/turn")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/turn/", "//turn", "/nothing"])
async def test_other_paths_are_not_found(admin: Admin, path: str) -> None:
    assert (await admin.client.post(path)).status_code == 404


async def test_fault_of_ours_is_logged_and_tells_nothing(
    admin: Admin, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "lockgate.admin"):
        response = await admin.post(path="/broken")
    assert response.status_code == 500
    assert "a detail of ours" not in response.text
    assert "a detail of ours" in caplog.text
    assert admin.audited == [("broken", KEYS.access_key_id, 500)]
