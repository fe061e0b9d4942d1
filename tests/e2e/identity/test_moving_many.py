"""Many people who move: runs that are stopped half-way, servers that work beside them, and how much memory it takes."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.identity_site import Visitor, add_person, site
from tests.support.moving_site import HASH, MovingSite, person
from tests.support.observed import wait_until
from tests.support.server import RunningServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

MANY = 50_000
SEVERAL = 12_000
STANDS_AT = 10_000  # of several: its second line of progress finds no room
MEMORY_KB = 60_000  # more than a few people take; fifty thousand kept at once are three times that


def plain(number: int) -> dict[str, object]:
    """Without a hash: what takes time here is not hashing."""
    return {
        "username": f"p{number}",
        "attributes": {"email": f"p{number}@example.com", "email_verified": True},
    }


@contextmanager
def standing(site: MovingSite, path: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """An import that stands after `STANDS_AT` people: nobody reads what it says. :returns: it, and where to read."""
    reader, writer = os.pipe()
    size = fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writer, b"." * (size - 48))  # room for one line, not for two
    process = subprocess.Popen(
        [sys.executable, "-m", "lockgate.cli", *site.words("import", "main", path)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writer,
    )  # fmt: skip
    os.close(writer)
    try:
        wait_until(lambda: site.count() == STANDS_AT or process.poll() is not None, "it stands", 60)
        assert process.poll() is None
        yield process, reader
    finally:
        process.kill()
        process.wait()
        os.close(reader)


def all_of(reader: int) -> str:
    said = b""
    while chunk := os.read(reader, 65536):
        said += chunk
    return said.decode().lstrip(".")


@pytest.fixture
def several(tmp_path: Path) -> tuple[MovingSite, str]:
    site = MovingSite(tmp_path / "here")
    return site, site.file(plain(number) for number in range(SEVERAL))


def test_a_killed_import_has_written_whole_batches_and_the_next_one_does_the_rest(
    several: tuple[MovingSite, str],
) -> None:
    """kill -9 half-way. Twin: without skip the next one says who is here already, and touches nobody."""
    site, path = several
    with standing(site, path) as (process, _):
        process.kill()
        process.wait()
    assert site.count() == STANDS_AT
    assert site.told("import", "main", path, code=2)["faults"] == STANDS_AT
    assert site.count() == STANDS_AT
    rest = site.told("import", "main", path, "--on-conflict", "skip")
    assert (rest["written"], rest["skipped"]) == (SEVERAL - STANDS_AT, STANDS_AT)
    assert site.count() == SEVERAL


def test_ctrl_c_says_how_far_it_was_and_how_to_go_on(several: tuple[MovingSite, str]) -> None:
    site, path = several
    with standing(site, path) as (process, reader):
        process.send_signal(signal.SIGINT)
        said = all_of(reader)
        assert process.wait(30) == 130
    assert f"{STANDS_AT:,} of {SEVERAL:,} people" in said
    assert "--on-conflict skip" in said
    assert "Traceback" not in said
    assert site.count() == STANDS_AT


def peak_kb(words: list[str]) -> int:
    """Of a command that succeeds."""
    process = subprocess.Popen([sys.executable, "-m", "lockgate.cli", *words], stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss


def test_fifty_thousand_take_no_more_memory_than_a_few(tmp_path: Path) -> None:
    """Out and in again; all of them arrive."""
    few, many = MovingSite(tmp_path / "few"), MovingSite(tmp_path / "many")
    few.bring(*(plain(number) for number in range(10)))
    path = many.file(plain(number) for number in range(MANY))
    few_in = peak_kb(few.words("import", "main", str(few.folder / "users.jsonl"), "--on-conflict", "skip"))
    many_in = peak_kb(many.words("import", "main", path))
    few_out = peak_kb(few.words("export", "main", "-o", str(tmp_path / "few.jsonl")))
    many_out = peak_kb(many.words("export", "main", "-o", str(tmp_path / "many.jsonl"), "--with-hashes"))
    assert many.count() == MANY
    with (tmp_path / "many.jsonl").open() as lines:
        names = {json.loads(line)["username"] for line in lines}
    assert len(names) == MANY
    assert many_out < few_out + MEMORY_KB
    assert many_in < few_in + MEMORY_KB


def test_people_come_in_beside_a_running_server(tmp_path: Path) -> None:
    """Whoever logs in meanwhile is let in, and so is who has just come, at once."""
    people = [
        {"attributes": {"email": f"p{number}@example.com", "email_verified": True}, "password_hash": HASH}
        for number in range(3000)
    ]
    lines = tmp_path / "users.jsonl"
    lines.write_text("".join(json.dumps(each) + "\n" for each in people))
    with site(tmp_path) as place, place.server() as server:
        store = place.store(server)
        try:
            add_person(store, server, "ada@example.com")
        finally:
            store.close()
        words = ["user", "import", "main", str(lines), "-c", str(place.config), "--state", str(server.state)]
        process = subprocess.Popen(
            [sys.executable, "-m", "lockgate.cli", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        while process.poll() is None:
            assert logs_in(server, "ada@example.com")
        out, err = process.communicate()
        assert process.returncode == 0, err
        assert b"3,000 people came into main" in out
        assert logs_in(server, "p2999@example.com")


def logs_in(server: RunningServer, name: str) -> bool:
    with Visitor(server) as visitor:
        return bool(visitor.log_in(name))


def test_srp_verifiers_move_between_pools_of_one_name(tmp_path: Path) -> None:
    """B9: they are made of the pool's name. Twin: where no client uses SRP they are left out, and that is said."""
    client = {"flows": ["srp", "password"]}
    here, there = (MovingSite(tmp_path / name, clients={"web": client}) for name in ("here", "there"))
    plain_one = MovingSite(tmp_path / "plain")
    here.bring(person("ada"))
    assert here.lets_in("ada")  # from then on there is a verifier
    (ada,) = here.exported("--with-hashes")
    assert here.person("ada").pool_id.endswith(ada["srp"]["pool"])
    assert there.bring(ada)["notes"] == {}
    (again,) = there.exported("--with-hashes")
    assert again["srp"] == ada["srp"]
    other = {**ada, "srp": {**ada["srp"], "pool": "Another01"}}
    assert there.bring(other, words=("--on-conflict", "replace"))["notes"] == {"without_srp": 1}
    assert plain_one.bring(ada)["notes"] == {"without_srp": 1}
    assert plain_one.lets_in("ada")
