"""``lockgate user export``: everybody of a pool as JSON lines, in constant memory; a file for its owner only."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from auth.pool import Pool
from lockgate.console import visible
from lockgate.errors import UsageError
from lockgate.moving.bars import bar
from lockgate.moving.record import line_of
from lockgate.pool_office import Office

PAGE: Final = 500


def export_people(office: Office, pool: Pool, arguments: argparse.Namespace) -> None:
    """:raises UsageError: the file cannot be written."""
    secrets = [
        name
        for name, is_wanted in (("hashes", arguments.with_hashes), ("mfa seeds", arguments.with_mfa_seeds))
        if is_wanted
    ]
    office.record(
        "users_exported", pool, pool.pool_id, f"begun, with {' and '.join(secrets) or 'no secrets'}"
    )
    with _opened(arguments.output) as file:
        count = _write(office, pool, file, arguments)
    _tell(pool, count, secrets, arguments)


def _write(office: Office, pool: Pool, file: BinaryIO, arguments: argparse.Namespace) -> int:
    total, done, after = office.store.pools.count_users(pool.pool_id), 0, None
    with bar("Export", total, quiet=arguments.json) as advance:
        while page := office.store.moving.read(pool.pool_id, limit=PAGE, after=after):
            for each in page:
                file.write(
                    line_of(
                        each,
                        pool.key_name,
                        with_hashes=arguments.with_hashes,
                        with_seeds=arguments.with_mfa_seeds,
                    )
                )
            done, after = done + len(page), page[-1].user.sub
            advance(done)
    file.flush()
    return done


@contextmanager
def _opened(output: str) -> Iterator[BinaryIO]:
    """A file takes its name when it is whole, and nobody else can read it at any moment."""
    if output == "-":
        yield sys.stdout.buffer
        return
    target = Path(output)
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")  # 0600
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}.", "Name another file.") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except OSError as error:
        raise UsageError(
            f"{output} cannot be written: {error.strerror}.", "Make room, or name another file."
        ) from error
    finally:
        Path(name).unlink(missing_ok=True)


def _tell(pool: Pool, count: int, secrets: list[str], arguments: argparse.Namespace) -> None:
    is_file = arguments.output != "-"
    if arguments.json:
        told = {"pool": pool.pool_id, "people": count, "secrets": secrets, "file": arguments.output}
        print(json.dumps(told), file=sys.stdout if is_file else sys.stderr)
        return
    people = f"{count:,} {'person' if count == 1 else 'people'} of {pool.name}"
    lines = [
        f"{people} {'are' if count != 1 else 'is'} in {visible(arguments.output)}."
        if is_file
        else f"{people}."
    ]
    if not arguments.with_hashes:
        lines.append("Without their passwords: --with-hashes writes the hashes.")
    else:
        lines.append("With the hashes of their passwords: keep it as you keep the database.")
    print("\n".join(lines), file=sys.stdout if is_file else sys.stderr)
