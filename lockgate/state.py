"""The state folder: who this instance is, its credentials, and what it left for the command line to find.

Everything in it is 0600/0700. One `flock` keeps two servers out of one state; the epoch counts starts.
"""

import fcntl
import os
import secrets
import stat
import string
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import orjson

from kit.names import Names
from kit.sigv4 import Credentials
from lockgate.errors import RuntimeFailure

_KEY_ID_LETTERS = string.ascii_uppercase + "234567"  # AWS access key ids are base32 after their prefix
ENDPOINTS_FILE = "endpoints.json"
INSTANCE_FILE = "instance.json"
Role = Literal["server", "executor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """:param instance: 8 hex digits, made once."""

    instance: str
    epoch: int

    def names(self, *, account: str, region: str) -> Names:
        return Names(account=account, region=region, instance=self.instance, epoch=self.epoch)


class State:
    """One state folder. Use `lock` around everything that writes."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def open(self) -> None:
        """Make the folder, or refuse one that others may read."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = self.root.stat()
        except OSError as error:
            raise RuntimeFailure(
                f"The state folder {self.root} cannot be made: {error.strerror}.",
                "Name another one with --state or LOCKGATE_STATE.",
            ) from error
        if status.st_uid != os.geteuid():
            raise RuntimeFailure(
                f"The state folder {self.root} belongs to another user.",
                "Run as its owner, or name another one.",
            )
        if stat.S_IMODE(status.st_mode) & 0o066:  # passing through is for edges of another user
            self._close_to_others()

    def _close_to_others(self) -> None:
        """Only a folder that is empty or has been a state: nobody gets their home or /tmp closed."""
        names = {path.name for path in self.root.iterdir()}
        if names and INSTANCE_FILE not in names:
            raise RuntimeFailure(
                f"The folder {self.root} holds other files and other users may read it: it cannot be the state folder.",
                "Name one of its own with --state or LOCKGATE_STATE.",
            )
        self.root.chmod(0o700)

    def lock(self, role: Role) -> "Lock":
        """:param role: ``server``: whoever answers for the whole; ``executor``: whoever runs functions and writes here.

        :raises RuntimeFailure: another one uses this state.
        """
        return Lock(self.root / f"{role}.lock")

    def next_identity(self) -> Identity:
        """Read who this instance is and count one more start. Call it under `lock`."""
        path = self.root / INSTANCE_FILE
        known = self._read(path) or {}
        instance = known.get("instance") or secrets.token_hex(4)
        epoch = int(known.get("epoch", 0)) + 1
        self._write(path, {"instance": instance, "epoch": epoch})
        return Identity(instance=instance, epoch=epoch)

    def instance(self) -> str:
        """8 hex digits, made at first use. Call it under `lock`."""
        path = self.root / INSTANCE_FILE
        known = self._read(path)
        if known is None or not known.get("instance"):
            known = {"instance": secrets.token_hex(4), "epoch": 0}
            self._write(path, known)
        instance: str = known["instance"]
        return instance

    def known_names(self, *, account: str, region: str) -> Names:
        """Names as a server on this state has them, without counting a start; of no instance where none has run."""
        known = self._read(self.root / INSTANCE_FILE) or {}
        instance = known.get("instance") or "0" * 8
        return Names(account=account, region=region, instance=instance, epoch=int(known.get("epoch", 0)))

    def credentials(self) -> Credentials:
        """The key pair that AWS clients of this instance sign with; made at first use."""
        path = self.root / "credentials.json"
        known = self._read(path)
        if known is None:
            key_id = "LKIA" + "".join(secrets.choice(_KEY_ID_LETTERS) for _ in range(16))
            known = {"access_key_id": key_id, "secret_access_key": secrets.token_urlsafe(30)}
            self._write(path, known)
        elif stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise RuntimeFailure(
                f"{path} can be read by other users.",
                "Run: chmod 600 on it, and change the keys if others had access.",
            )
        return Credentials(known["access_key_id"], known["secret_access_key"])

    def publish(self, endpoints: dict[str, Any]) -> None:
        self._write(self.root / ENDPOINTS_FILE, endpoints)

    def withdraw(self) -> None:
        (self.root / ENDPOINTS_FILE).unlink(missing_ok=True)

    def endpoints(self) -> dict[str, Any] | None:
        """What the running server published; None when none runs."""
        return self._read(self.root / ENDPOINTS_FILE)

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            value = orjson.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, orjson.JSONDecodeError) as error:
            raise RuntimeFailure(
                f"{path} cannot be read: {error}.", "Restore it, or use a new state folder."
            ) from error
        if not isinstance(value, dict):
            raise RuntimeFailure(f"{path} is damaged.", "Restore it, or use a new state folder.")
        return value

    def _write(self, path: Path, value: dict[str, Any]) -> None:
        """Replace *path* atomically; nobody else may read it."""
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise RuntimeFailure(
                f"{path} cannot be written: {error.strerror}.", "Make room on the disk."
            ) from error


class Lock:
    """:ivar fd: holds the lock for as long as any process has it open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.fd = -1

    def __enter__(self) -> Self:
        self.fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self.fd)
            raise RuntimeFailure(
                f"Another Lockgate server uses the state folder {self._path.parent}.",
                "Stop it, or start this one with another --state.",
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.fd)
