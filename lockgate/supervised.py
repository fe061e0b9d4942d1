"""`lockgate serve` in several processes: what can go wrong at a start goes wrong here, then a supervisor takes over.

The file is checked, sockets are bound and the state is locked in this process, which then becomes the supervisor
(`exec`: its memory is that of a small program). Descriptors and the lock go with it.
"""

import json
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

from lockgate.config.grammar.file import RoutesFile
from lockgate.driver_choice import DriverName, refuse_exposed
from lockgate.edge_user import gid_of, refuse_unreachable
from lockgate.errors import RuntimeFailure
from lockgate.executor_part import runtime_sockets
from lockgate.people import database_file, give_people, has_people, needs_identity, prepare_people
from lockgate.settings import Settings
from lockgate.sockets import ListeningSocket, edges_address, open_own, open_sockets, public_url
from lockgate.state import ENDPOINTS_FILE, State

BACKLOG = 4096  # the kernel's own bound: whoever comes before a part accepts waits here


def supervise(settings: Settings, file: RoutesFile, driver: DriverName) -> NoReturn:
    """:raises CommandError: the start failed."""
    with ExitStack() as held:
        with_auth = needs_identity(file, settings.state)
        sockets = dict(held.enter_context(open_sockets(settings, with_auth=with_auth)))
        refuse_exposed(sockets["gateway"].sock, settings, driver)
        state = State(settings.state)
        state.open()
        uid = _edge_uid(settings)
        if with_auth:
            auth_url = file.server.auth_url or _url(sockets["auth"].sock, settings)
            prepare_people(file, state.root, auth_url=auth_url)
            give_people(state.root, uid)
        if uid is not None:
            refuse_unreachable(uid, [database_file(state.root)] if has_people(state.root) else [])
        lock = held.enter_context(state.lock("server"))
        url = f"unix:{_folder(state) / 'executor.sock'}"
        inside = {"executor": url, "edges": f"unix:{edges_address(url)}"}
        for address in inside.values():
            Path(address.removeprefix("unix:")).unlink(missing_ok=True)  # of a server that was killed
        sockets |= held.enter_context(open_own(inside))
        for name in inside:
            sockets[name].sock.listen(BACKLOG)
        if uid is not None:  # the kernel tells who connects; everybody else is turned away
            edges_address(url).parent.chmod(0o711)
            for address in inside.values():
                Path(address.removeprefix("unix:")).chmod(0o666)
        spec = _spec(settings, driver, url, sockets, state, file)
        spec["inherited"] = [lock.fd, *(opened.sock.fileno() for opened in sockets.values())]
        for fd in spec["inherited"]:
            os.set_inheritable(fd, True)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("LISTEN_")}
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(sys.executable, [sys.executable, "-m", "lockgate.supervisor", json.dumps(spec)], environ)  # noqa: S606


def _edge_uid(settings: Settings) -> int | None:
    """Whom edges run as; None: whoever started the server."""
    if not settings.edge_uids:
        return None
    if os.geteuid() != 0:
        raise RuntimeFailure("Only root can start processes of another user.", "Leave --edge-user out.")
    return settings.edge_uids[0]


def _folder(state: State) -> Path:
    """Of the sockets between the processes; nobody else may enter it."""
    folder = runtime_sockets(state.instance()).with_name("s")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise RuntimeFailure(f"{folder} cannot be made: {error.strerror}.", "Make room for it.") from error
    return folder


def _spec(
    settings: Settings,
    driver: str,
    url: str,
    sockets: Mapping[str, ListeningSocket],
    state: State,
    file: RoutesFile,
) -> dict[str, Any]:
    fds = {name: opened.sock.fileno() for name, opened in sockets.items()}
    workers = settings.workers or 1
    command = [sys.executable, "-m", "lockgate.cli"]
    common = ["--state", str(state.root), "--drain", f"{settings.drain_s:g}"]
    executor = [
        *command, "executor", "--socket", url, "--driver", driver, "--uid-base", str(settings.uid_base), *common,
        "--engine-wait", f"{settings.engine_wait_s:g}",
        *(word for path in settings.config for word in ("--config", str(path))),
    ]  # fmt: skip
    tls = (("--tls-cert", settings.tls_cert), ("--tls-key", settings.tls_key))
    if settings.edge_uids:
        executor += ["--edge-user", str(settings.edge_uids[0])]
    user = {"uid": settings.edge_uids[0], "gid": gid_of(settings.edge_uids[0])} if settings.edge_uids else {}
    edge = [
        *command, "serve", "--executor-url", url, *common,
        *(word for flag, path in tls if path is not None for word in (flag, str(path))),
    ]  # fmt: skip
    inside = ("executor", "edges", "control", "admin")
    parts: list[dict[str, Any]] = [
        {
            "name": "executor",
            "argv": executor,
            "sockets": {name: fds[name] for name in inside},
            "index": 0,
            "of": workers,
        }
    ]
    # Who hashes passwords and signs tokens does not make the API's callers wait: neither for a turn in one interpreter
    # nor for memory.
    for kind, listener, of in (("edge", "gateway", workers), ("auth", "auth", settings.auth_workers)):
        if listener in fds:
            mine = {"argv": edge, "sockets": {listener: fds[listener]}, "of": of, **user}
            parts += [{"name": f"{kind}-{index + 1}", "index": index, **mine} for index in range(of)]
    public = {name: fds[name] for name in ("gateway", "auth") if name in fds}
    auth = (
        {}
        if "auth" not in fds
        else {"auth_url": file.server.auth_url or _url(sockets["auth"].sock, settings)}
    )
    folder = edges_address(url).parent
    return {
        "parts": parts,
        "shared": {
            "public": [part["name"] for part in parts if part["name"] != "executor"],
            "auth_url": _url(sockets["auth"].sock, settings) if "auth" in fds else "",
        },
        "public": list(public.values()),
        "drain_s": settings.drain_s,
        "listening": {
            **{name: _url(sockets[name].sock, settings) for name in (*public, "control", "admin")},
            "gateway_url": file.server.gateway_url or _url(sockets["gateway"].sock, settings),
            **auth,
        },
        "remove": [url.removeprefix("unix:"), str(edges_address(url)), str(state.root / ENDPOINTS_FILE)],
        "remove_folders": [str(folder), str(folder.parent)],
    }


def _url(sock: socket.socket, settings: Settings) -> str:
    return public_url(sock, is_tls=settings.tls_cert is not None)
