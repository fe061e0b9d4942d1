"""One process of a race on the user pool's store: ``python -m tests.support.auth_store_racer URL KEY THREADS``.

A line on stdin, ``[verb, {arguments}]``, is what all its threads do at once; a line on stdout is what each got.
"""

import json
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from auth.errors import AuthError
from auth.key_file import KeyFile
from auth.store.ports import LockRule
from auth.store.sql import SqlStore, open_store
from tests.support.auth_store import CLIENT, HOUR, MINUTE, NOW, PATIENT_S, POOL, new_user


def _redeem(store: SqlStore, *, code: str) -> bool:
    return store.grants.redeem(code, CLIENT, NOW, lambda _: True, refresh=True) is not None


def _rotate(store: SqlStore, *, token: str, grace_s: float) -> str:
    return store.grants.rotate(token, CLIENT, NOW, rotates=True, grace_s=grace_s).token


def _attempt(store: SqlStore, *, subject: str) -> bool:
    return store.attempts.count(POOL, "password", subject, LockRule(), NOW) is not None


def _use_code(store: SqlStore, *, subject: str, code: str) -> str:
    return store.codes.use(POOL, subject, "reset", code, NOW)


def _consume(store: SqlStore, *, handle: str) -> bool:
    return store.challenges.consume(handle, CLIENT, NOW) is not None


def _use_step(store: SqlStore, *, step: int) -> bool:
    return store.software_tokens.use_step(POOL, "sub-1", step, NOW + MINUTE)


def _take(store: SqlStore, *, subject: str) -> bool:
    return store.attempts.take(POOL, "send", subject, limit=7, window_s=60.0, now=NOW)


def _create(store: SqlStore, *, email: str) -> bool:
    name = threading.get_native_id()
    sub = f"{email}-{name}"
    return bool(store.users.create(new_user(sub, aliases=(("email", email),)), NOW))


def _update(store: SqlStore, *, attribute: str) -> str:
    user = store.users.get(POOL, "sub-1")
    assert user is not None
    name = f"{attribute}-{threading.get_native_id()}"
    store.users.update_attributes(user, {name: "1"}, NOW + HOUR)
    return name


VERBS: dict[str, Callable[..., Any]] = {
    "redeem": _redeem,
    "rotate": _rotate,
    "attempt": _attempt,
    "use_code": _use_code,
    "consume": _consume,
    "use_step": _use_step,
    "take": _take,
    "create": _create,
    "update": _update,
}


def main(url: str, key: str, threads: int) -> None:
    store = open_store(url, KeyFile.open_or_make(Path(key)), answer_s=PATIENT_S)
    together = threading.Barrier(threads)

    def once(verb: str, arguments: dict[str, Any]) -> Any:
        together.wait()
        try:
            return VERBS[verb](store, **arguments)
        except AuthError as error:
            return {"error": error.code}

    with ThreadPoolExecutor(threads) as pool:
        print("ready", flush=True)
        for line in sys.stdin:
            verb, arguments = json.loads(line)
            futures = [pool.submit(once, verb, arguments) for _ in range(threads)]
            print(json.dumps([future.result() for future in futures]), flush=True)
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
