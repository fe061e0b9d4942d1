"""Every setting of the server: a flag, and an environment variable ``LOCKGATE_*`` behind it."""

import argparse
import pwd
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lockgate.errors import UsageError

DriverName = Literal["auto", "process", "docker"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One setting. Its variable is ``LOCKGATE_`` and the flag's name in upper case."""

    name: str
    default: str
    metavar: str
    help: str
    short: str | None = None
    choices: tuple[str, ...] | None = None
    is_repeatable: bool = False

    @property
    def variable(self) -> str:
        return "LOCKGATE_" + self.name.replace("-", "_").upper()


CONFIG = Flag(
    name="config",
    short="-c",
    default="routes.yaml",
    metavar="FILE",
    help="the routes file",
    is_repeatable=True,
)
STATE = Flag(name="state", default=".lockgate", metavar="DIR", help="the state folder")
SERVER_FLAGS = (
    CONFIG,
    STATE,
    Flag(
        name="driver", default="auto", metavar="NAME", choices=("auto", "process", "docker"),
        help="what runs functions: auto, process or docker",
    ),
    Flag(
        name="engine-wait", default="60", metavar="SECONDS",
        help="how long a start waits for a Docker engine that does not answer",
    ),
    Flag(name="gateway", default="127.0.0.1:8080", metavar="HOST:PORT", help="the public API (port 0 = any)"),
    Flag(name="auth", default="127.0.0.1:8081", metavar="HOST:PORT", help="login pages, OAuth and OIDC of user pools"),
    Flag(name="control", default="127.0.0.1:8082", metavar="HOST:PORT", help="the Lambda API for AWS clients"),
    Flag(name="admin", default="127.0.0.1:8083", metavar="HOST:PORT", help="health and metrics"),
    Flag(name="drain", default="30", metavar="SECONDS", help="how long SIGTERM waits for requests in flight"),
    Flag(name="uid-base", default="200000", metavar="UID", help="first user id of environments, when root"),
    Flag(name="tls-cert", default="", metavar="FILE", help="the gateway speaks TLS with this certificate chain (PEM)"),
    Flag(name="tls-key", default="", metavar="FILE", help="and this private key (PEM, not encrypted)"),
    Flag(name="executor-url", default="", metavar="URL", help="only the gateway; functions run behind unix:/PATH"),
    Flag(name="workers", default="", metavar="N", help="gateway processes beside an executor process"),
    Flag(name="auth-workers", default="1", metavar="N", help="of user pools, so many beside gateway processes"),
    Flag(name="edge-user", default="", metavar="USER", help="name or id of the user of gateway processes"),
)  # fmt: skip
SOCKET = Flag(name="socket", default="", metavar="URL", help="where gateways find the executor: unix:/PATH")
_NOT_OF_AN_EXECUTOR = frozenset(
    {"gateway", "auth", "tls-cert", "tls-key", "executor-url", "workers", "auth-workers"}
)
EXECUTOR_FLAGS = (*(flag for flag in SERVER_FLAGS if flag.name not in _NOT_OF_AN_EXECUTOR), SOCKET)


MAX_WORKERS = 64  # one for each core of a large machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    config: tuple[Path, ...]
    state: Path
    driver: DriverName
    gateway: str
    auth: str
    control: str
    admin: str
    drain_s: float
    engine_wait_s: float
    uid_base: int
    dev: bool
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls: bool = False  # with a certificate of our own making
    executor_url: str = ""  # unix:/PATH of an executor in another process, or where this one listens
    workers: int | None = None  # None: as the driver wants it
    auth_workers: int = 1  # where there are gateway processes, and user pools
    edge_uids: tuple[int, ...] = ()  # of gateways in other processes, beside this user's and root's


def add_flags(parser: argparse.ArgumentParser, flags: tuple[Flag, ...], environ: Mapping[str, str]) -> None:
    for flag in flags:
        names = [flag.short] if flag.short else []
        default = (
            environ.get(flag.variable) or flag.default
        )  # service managers set empty ones for "not given"
        parser.add_argument(
            *names,
            f"--{flag.name}",
            dest=flag.name.replace("-", "_"),
            default=[default] if flag.is_repeatable else default,
            action=_Collect if flag.is_repeatable else "store",
            metavar=flag.metavar,
            choices=flag.choices,
            help=f"{flag.help} (default {flag.default or 'none'}; {flag.variable})",
        )


class _Collect(argparse.Action):
    """Keeps every value that was given; the first one takes the default's place."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002
        namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        given = getattr(namespace, self.dest)
        setattr(namespace, self.dest, [values] if given is self.default else [*given, values])


def config_paths(arguments: argparse.Namespace) -> tuple[Path, ...]:
    """The routes files that were named; one, but for a mistake that `configuration.read` explains."""
    return tuple(Path(each) for each in arguments.config)


def server_settings(arguments: argparse.Namespace, *, dev: bool) -> Settings:
    """:raises UsageError: a value that argparse could not judge, such as one from the environment."""
    if arguments.driver not in ("auto", "process", "docker"):
        raise UsageError(f"There is no driver {arguments.driver!r}.", "Choose auto, process or docker.")
    workers = _workers("--workers", arguments.workers)
    auth_workers = _workers("--auth-workers", arguments.auth_workers) or 1
    if dev and (workers is not None or arguments.executor_url):
        raise UsageError(
            "`dev` is one process.", "Use `lockgate serve`, or leave --workers and --executor-url out."
        )
    if workers is not None and arguments.executor_url:
        raise UsageError(
            "--workers starts an executor of its own.",
            "Leave --executor-url out, or start one server a process.",
        )
    if arguments.edge_user and arguments.driver == "process" and workers is None:
        raise UsageError(
            "--edge-user is for gateway processes, and here is one process.", "Say --workers 1 too."
        )
    own_tls = bool(getattr(arguments, "tls", False))
    if bool(arguments.tls_cert) != bool(arguments.tls_key):
        raise UsageError("--tls-cert and --tls-key belong together.", "Give both, or none.")
    if own_tls and arguments.tls_cert:
        raise UsageError("--tls makes a certificate, --tls-cert names one.", "Give one of them.")
    return Settings(
        config=config_paths(arguments),
        state=Path(arguments.state),
        driver=arguments.driver,
        gateway=arguments.gateway,
        auth=arguments.auth,
        control=arguments.control,
        admin=arguments.admin,
        drain_s=_seconds(arguments.drain, "drain"),
        engine_wait_s=_seconds(arguments.engine_wait, "engine-wait"),
        uid_base=_uid_base(arguments.uid_base),
        dev=dev,
        executor_url=_unix(arguments.executor_url, "executor-url") if arguments.executor_url else "",
        workers=workers,
        auth_workers=auth_workers,
        edge_uids=_edge_uids(arguments.edge_user),
        tls_cert=Path(arguments.tls_cert) if arguments.tls_cert else None,
        tls_key=Path(arguments.tls_key) if arguments.tls_key else None,
        tls=own_tls,
    )


def executor_settings(arguments: argparse.Namespace) -> Settings:
    """Of `lockgate executor`, which has no public listener. :raises UsageError: as `server_settings`."""
    if arguments.driver not in ("auto", "process", "docker"):
        raise UsageError(f"There is no driver {arguments.driver!r}.", "Choose auto, process or docker.")
    if not arguments.socket:
        raise UsageError(
            "Where is the executor to be found?", "Write --socket unix:/run/lockgate/executor.sock."
        )
    return Settings(
        config=config_paths(arguments),
        state=Path(arguments.state),
        driver=arguments.driver,
        gateway="",
        auth="",
        control=arguments.control,
        admin=arguments.admin,
        drain_s=_seconds(arguments.drain, "drain"),
        engine_wait_s=_seconds(arguments.engine_wait, "engine-wait"),
        uid_base=_uid_base(arguments.uid_base),
        dev=False,
        executor_url=_unix(arguments.socket, "socket"),
        edge_uids=_edge_uids(arguments.edge_user),
    )


def _edge_uids(user: str) -> tuple[int, ...]:
    if not user:
        return ()
    if user.isdecimal():
        return (int(user),)
    try:
        return (pwd.getpwnam(user).pw_uid,)
    except KeyError as error:
        raise UsageError(
            f"There is no user {user!r}.", "Name the one that `lockgate serve` runs as."
        ) from error


def _seconds(text: str, flag: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:
        raise UsageError(f"--{flag} {text!r} is not a number of seconds.", "Write 0 to 3600.")
    return seconds


def _uid_base(text: str) -> int:
    if not text.isdecimal() or not 1000 <= int(text) < 2**31:
        raise UsageError(f"--uid-base {text!r} is no user id.", "Write 1000 or more; 200000 is usual.")
    return int(text)


def _workers(flag: str, text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= MAX_WORKERS:
        raise UsageError(
            f"{flag} {text!r} is no number of processes.", f"Write 1 to {MAX_WORKERS}; one a core."
        )
    return int(text)


def _unix(url: str, flag: str) -> str:
    if not url.startswith("unix:/"):
        raise UsageError(f"--{flag} {url!r} is no unix socket.", "Write unix: and an absolute path.")
    return url
