"""Calls with known ids on some connections, while somebody kills containers; and what came of each call.

Half of the connections use the gateway, half the Lambda API, which says in Lambda's words why a call failed.
"""

import http.client
import itertools
import random
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from kit.sigv4 import Credentials, sign
from tests.support.chaos_site import WHERE, ChaosSite
from tests.support.plain_http import address_of

FUNCTION = "echo"
ANSWER_S = 90.0
KILL_EVERY_S = 0.3
KILLS_AT_ONCE = 8  # the engine answers when the container has ended, which takes longer
ALIVE = ("created", "running")
LONGEST_SLEEP_S = 0.1

# One line of the log says in which container the environment is.
CODE = f"""{WHERE}
import json, time
print("CONTAINER", CONTAINER, flush=True)
def handler(event, context):
    asked = json.loads(event["body"]) if "body" in event else event
    time.sleep(asked["sleep"])
    return {{"id": asked["id"], "container": CONTAINER}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """:param id: that was sent. :param problem: of a call that failed, in the answer's words; else empty.
    :param request_id: as in the log of functions.
    """

    id: int
    sent: float
    answered: float
    status: int
    problem: str
    told: Any
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """:param begun: before, and `done`: after the engine said that it was killed; monotonic."""

    container: str
    begun: float
    done: float


@dataclass
class ChaosLoad:
    site: ChaosSite
    connections: int = 8
    outcomes: list[Outcome] = field(default_factory=list)

    def run(self, calls: int) -> None:
        """Make so many; their ids are 0, 1, 2 …"""
        numbers = itertools.count()
        with ThreadPoolExecutor(self.connections) as pool:
            works = [pool.submit(self._work, each, numbers, calls) for each in range(self.connections)]
        for work in works:
            work.result()

    def _work(self, connection: int, numbers: "itertools.count[int]", calls: int) -> None:
        endpoints = self.site.server.endpoints
        is_gateway = connection % 2 == 0
        address = (
            self.site.server.gateway_address if is_gateway else address_of(endpoints["endpoints"]["lambda"])
        )
        client = http.client.HTTPConnection(*address, timeout=ANSWER_S)
        pause = random.Random(connection)
        try:
            while (number := next(numbers)) < calls:
                asked = {"id": number, "sleep": pause.random() ** 3 * LONGEST_SLEEP_S}
                body = orjson.dumps(asked)
                self.outcomes.append(
                    self._by_gateway(client, number, body)
                    if is_gateway
                    else self._by_lambda(client, number, body, endpoints)
                )
        finally:
            client.close()

    def _by_gateway(self, client: http.client.HTTPConnection, number: int, body: bytes) -> Outcome:
        sent = time.monotonic()
        client.request("POST", f"/{FUNCTION}", body, {"content-type": "application/json"})
        response = client.getresponse()
        content = response.read()
        return Outcome(
            id=number,
            sent=sent,
            answered=time.monotonic(),
            status=response.status,
            problem="" if response.status == 200 else content.decode(),
            told=orjson.loads(content),
            request_id=response.headers["apigw-requestid"],
        )

    def _by_lambda(
        self, client: http.client.HTTPConnection, number: int, body: bytes, endpoints: Mapping[str, Any]
    ) -> Outcome:
        path = f"/2015-03-31/functions/{FUNCTION}/invocations"
        credentials = Credentials(endpoints["access_key_id"], endpoints["secret_access_key"])
        url = endpoints["endpoints"]["lambda"] + path
        headers = sign("POST", url, {}, body, credentials, endpoints["region"], "lambda", datetime.now(UTC))
        sent = time.monotonic()
        client.request("POST", path, body, dict(headers))
        response = client.getresponse()
        content = response.read()
        failed = response.status != 200 or "x-amz-function-error" in response.headers
        return Outcome(
            id=number,
            sent=sent,
            answered=time.monotonic(),
            status=response.status,
            problem=content.decode() if failed else "",
            told=orjson.loads(content),
            request_id=response.headers["x-amzn-requestid"],
        )

    @property
    def failures(self) -> list[Outcome]:
        return [each for each in self.outcomes if each.problem]


class Killer:
    """Kills one random container of a site every `KILL_EVERY_S`, in threads of its own, until the end."""

    def __init__(self, site: ChaosSite, seed: int) -> None:
        self._site = site
        self._random = random.Random(seed)
        self._ended = threading.Event()
        self.kills: list[Kill] = []
        self._thread = threading.Thread(target=self._run, name="killer")

    def __enter__(self) -> "Killer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        with ThreadPoolExecutor(KILLS_AT_ONCE) as pool:
            while not self._ended.wait(KILL_EVERY_S):
                pool.submit(self._kill)

    def _kill(self) -> None:
        try:
            found = [key for key, each in self._site.containers().items() if each["State"] in ALIVE]
        except OSError:  # the engine is being restarted
            return
        if found:
            victim = self._random.choice(found)
            begun = time.monotonic()
            if self._site.engine.kill(victim):
                self.kills.append(Kill(container=victim, begun=begun, done=time.monotonic()))
