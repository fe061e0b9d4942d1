"""`lockgate user export` and `import`, on real files and databases: who comes, and who is refused."""

import base64
import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import argon2
import bcrypt
import pytest

from auth.core.steps import Challenge
from auth.core.totp import base32
from tests.support.moving_site import HASH, PASSWORD, MovingSite, person
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.timeout(60)
SUB = "0b9e5c1e-6b1f-4a51-9d0e-6a3f1f0f7a11"
SEED = base32(b"a seed of twenty byt")


@pytest.fixture
def site(tmp_path: Path) -> MovingSite:
    return MovingSite(tmp_path / "here")


def django(text: str) -> str:
    key = hashlib.pbkdf2_hmac("sha256", text.encode(), b"seasalt", 1000)
    return f"pbkdf2_sha256$1000$seasalt${base64.b64encode(key).decode()}"


def of_keycloak(text: str) -> str:
    key = hashlib.pbkdf2_hmac("sha512", text.encode(), b"sixteen bytes ok", 1000)
    return f"$pbkdf2-sha512$1000${base64.b64encode(b'sixteen bytes ok').decode()}${base64.b64encode(key).decode()}"


def everybody() -> list[dict[str, Any]]:
    return [
        person("ada", sub=SUB, groups=["admins"], created_at="2019-05-04T12:00:00.123Z", updated_at=1_600_000_000),
        person("bob", password_hash=bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()),
        person("cyd", password_hash=django(PASSWORD), attributes={"custom:tier": "gold", "custom:seats": 12}),
        person("dan", password_hash=of_keycloak(PASSWORD), enabled=False),
        person("eve", password_hash=argon2.PasswordHasher(1, 64, 2).hash(PASSWORD), status="FORCE_CHANGE_PASSWORD"),
        person("fay", status="UNCONFIRMED", attributes={"email": "fay@example.com"}),
    ]  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def there(request: pytest.FixtureRequest, tmp_path: Path) -> MovingSite:
    if request.param == "sqlite":
        return MovingSite(tmp_path / "there")
    server: PostgresServer = request.getfixturevalue("postgres")
    return MovingSite(tmp_path / "there", database=server.emptied())


def test_everybody_signs_in_on_the_other_side_with_the_same_password(
    site: MovingSite, there: MovingSite
) -> None:
    """FA8: from SQLite to SQLite and to PostgreSQL, with subs, groups, attributes, states and moments."""
    site.bring(*everybody())
    assert site.lets_in("bob")  # a hash of ours from now on; the others leave as they came
    leaving = site.exported("--with-hashes", "--with-mfa-seeds")
    done = there.bring(*leaving)
    assert (done["written"], done["replaced"], done["skipped"]) == (6, 0, 0)
    assert sorted(there.exported("--with-hashes", "--with-mfa-seeds"), key=str) == sorted(leaving, key=str)
    for name in ("ada", "bob", "cyd"):
        assert there.lets_in(name), name
        assert not there.lets_in(name, "another password"), name
    assert there.lets_in("ada@example.com")
    assert not there.lets_in("dan")
    must_change = there.log_in("eve")
    assert isinstance(must_change, Challenge)
    assert must_change.name == "NEW_PASSWORD_REQUIRED"
    ada = there.person("ada")
    assert (ada.sub, ada.groups, ada.status) == (SUB, ("admins",), "CONFIRMED")
    assert ada.created_at.isoformat() == "2019-05-04T12:00:00.123000+00:00"
    assert there.person("cyd").attributes["custom:seats"] == "12"
    assert there.person("fay").status == "UNCONFIRMED"


def test_authenticator_apps_move_with_their_seed_only(site: MovingSite, tmp_path: Path) -> None:
    """Nobody loses a second factor unless somebody says so."""
    with_app = {"enabled": ["SOFTWARE_TOKEN_MFA"], "preferred": "SOFTWARE_TOKEN_MFA"}
    there = MovingSite(tmp_path / "there", mfa="optional")
    site.bring(person("ada", mfa=with_app, totp_secret=SEED))
    (plain,) = site.exported("--with-hashes")
    assert SEED not in json.dumps(plain)
    refused = there.bring(plain, code=2)
    assert refused["lines"][0]["where"] == "totp_secret"
    assert there.count() == 0
    (whole,) = site.exported("--with-hashes", "--with-mfa-seeds")
    assert whole["totp_secret"] == SEED
    assert there.bring(whole)["notes"] == {}
    asked = there.log_in("ada")
    assert isinstance(asked, Challenge)
    assert asked.name == "SOFTWARE_TOKEN_MFA"
    dropped = there.bring(plain, words=("--drop-mfa", "--on-conflict", "replace"))
    assert (dropped["replaced"], dropped["notes"]) == (1, {"without_app": 1})
    assert there.lets_in("ada")


def test_without_hashes_everybody_chooses_a_password(site: MovingSite, tmp_path: Path) -> None:
    site.bring(person("ada"), person("bob", attributes={}))
    leaving = site.exported()
    assert "$argon2" not in json.dumps(leaving)
    there = MovingSite(tmp_path / "there")
    assert there.bring(*leaving)["notes"] == {"no_password": 2, "unreachable": 1}
    assert there.person("ada").status == "RESET_REQUIRED"
    assert not there.lets_in("ada")


def test_one_bad_line_in_a_thousand_stops_all_of_it(site: MovingSite) -> None:
    """With its number, its field, what is wrong and what to write instead. Twin: without it all come."""
    people = [person(f"p{number}") for number in range(1000)]
    people[416] = person("p416", attributes={"email": "p416@@example.com"})
    path = site.file(people)
    done = site.run("import", path)
    said = done.stderr.decode()
    assert done.returncode == 2
    assert "line 417" in said
    assert "attributes.email" in said
    assert "'p416@@example.com'" in said
    assert "1 of 1,000 lines" in said
    assert "Nothing was written" in said
    assert site.count() == 0
    people[416] = person("p416")
    assert site.bring(*people)["written"] == 1000


def test_a_byte_order_mark_crlf_and_blank_lines_are_no_fault(site: MovingSite) -> None:
    text = "\r\n".join([json.dumps(person("ada")), "", "   ", json.dumps(person("bob")), ""])
    (site.folder / "windows.jsonl").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert site.told("import", str(site.folder / "windows.jsonl"))["written"] == 2
    assert site.lets_in("bob")


def test_from_a_pipe_and_onto_one(site: MovingSite, tmp_path: Path) -> None:
    site.bring(person("ada"), person("bob"))
    leaving = site.run("export", "--with-hashes")
    assert b"2 people of main" in leaving.stderr
    there = MovingSite(tmp_path / "there")
    assert there.told("import", "-", stdin=leaving.stdout)["written"] == 2
    assert there.lets_in("ada")


def test_the_file_is_its_owners_alone_and_whole(site: MovingSite) -> None:
    site.bring(person("ada"))
    target = site.folder / "out.jsonl"
    target.write_text("of yesterday")
    target.chmod(0o644)
    done = site.run("export", "main", "-o", str(target), "--with-hashes")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert json.loads(target.read_text())["password_hash"] == HASH
    assert b"1 person of main is in" in done.stdout
    assert b"hashes" in done.stdout
    nowhere = site.run("export", "main", "-o", str(site.folder / "no" / "out.jsonl"))
    assert (nowhere.returncode, b"cannot be written" in nowhere.stderr) == (2, True)
    assert [path.name for path in site.folder.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("second", "where"),
    [
        pytest.param(person("ADA", attributes={}), "username", id="name"),
        pytest.param(person("\uff41da", attributes={}), "username", id="width"),
        pytest.param(person("bob", attributes=person("ada")["attributes"]), "attributes.email", id="address"),
        pytest.param(person("bob", attributes={}, sub=SUB.upper()), "sub", id="sub"),
    ],
)
def test_who_stands_in_the_file_twice_is_told_by_line(
    site: MovingSite, second: dict[str, Any], where: str
) -> None:
    """B13: compared as the pool compares them. Twin: an address that nobody has verified names nobody."""
    refused = site.bring(person("ada", sub=SUB), person("other"), second, code=2)
    (line,) = refused["lines"]
    assert (line["line"], line["where"]) == (3, where)
    assert "line 1 has it already" in line["what"]
    unverified = person("bob", attributes={"email": "ada@example.com"})
    assert site.bring(person("ada", sub=SUB), unverified)["written"] == 2


def test_who_is_here_already(site: MovingSite) -> None:
    """By default nobody is touched; skip leaves them, replace makes them anew and ends their sessions."""
    site.bring(person("ada"), person("bob"))
    before = site.person("ada").sub
    again = [person("ada", attributes={"name": "Ada"}), person("cyd")]
    refused = site.bring(*again, code=2)
    assert [line["line"] for line in refused["lines"]] == [1]
    assert "--on-conflict" in refused["lines"][0]["instead"]
    assert site.count() == 2
    skipped = site.bring(*again, words=("--on-conflict", "skip"))
    assert (skipped["written"], skipped["skipped"]) == (1, 1)
    assert "name" not in site.person("ada").attributes
    replaced = site.bring(*again, words=("--on-conflict", "replace"))
    assert (replaced["written"], replaced["replaced"]) == (0, 2)
    ada = site.person("ada")
    assert (ada.sub, ada.attributes) == (before, {"name": "Ada"})
    site.bring(person("ada", sub=SUB), words=("--on-conflict", "replace"))
    assert site.person("ada").sub == SUB


def test_nobody_else_is_ever_replaced(site: MovingSite) -> None:
    """Their address belongs to another person, or two people would have to go. Twin: skip leaves those lines out."""
    site.bring(person("ada", sub=SUB), person("bob"))
    thief = person("cyd", attributes=person("ada")["attributes"])
    both = person("bob", sub=SUB, attributes={})
    for line in (thief, both):
        refused = site.bring(line, words=("--on-conflict", "replace"), code=2)
        assert "somebody else's" in refused["lines"][0]["what"]
    left_out = site.bring(thief, person("dan"), words=("--on-conflict", "skip"))
    assert (left_out["written"], left_out["skipped"]) == (1, 1)
    assert site.person("ada@example.com").sub == SUB


def test_a_dry_run_says_what_would_be_done_and_does_nothing(site: MovingSite) -> None:
    site.bring(person("ada"))
    people = (person("ada"), person("bob", groups=["staff"]), person("cyd", password_hash=None))
    words = ("--dry-run", "--on-conflict", "skip", "--create-groups")
    told = site.bring(*people, words=words)
    assert (told["coming"], told["known"], told["groups"]) == (2, 1, ["staff"])
    assert told["notes"] == {"no_password": 1}
    done = site.run("import", site.file(people), *words)
    assert b"Nothing was written" in done.stdout
    assert site.count() == 1
    with site.store() as store:
        (pool,) = store.pools.pools()
        assert [name for name, _, _ in store.users.groups(pool.pool_id)] == ["admins"]


def test_groups_are_made_when_that_is_said(site: MovingSite) -> None:
    refused = site.bring(person("ada", groups=["staff"]), code=2)
    assert "--create-groups" in refused["lines"][0]["instead"]
    assert site.bring(person("ada", groups=["staff", "admins"]), words=("--create-groups",))["groups"] == [
        "staff"
    ]
    assert set(site.person("ada").groups) == {"staff", "admins"}
    blank = site.bring(person("bob", groups=["two words"]), words=("--create-groups",), code=2)
    assert blank["lines"][0]["where"] == "groups"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"", "nobody on any line", id="empty"),
        pytest.param(b"\n\r\n", "nobody on any line", id="blank"),
        pytest.param('{"username": "ada"}'.encode("utf-16"), "UTF-16", id="utf-16"),
        pytest.param(b"\x1f\x8b\x08\x00", "compressed", id="gzip"),
        pytest.param(b'[{"username": "ada"}]', "jq -c '.[]'", id="array"),
        pytest.param(b"cognito:username,email\nada,a@example.com", "--csv", id="csv"),
        pytest.param(b'{"username": "ada",}', "character 20", id="comma"),
        pytest.param(b'{"username": "\xff"}', "UTF-8", id="bytes"),
        pytest.param(b'{"username": "ada", "username": "bob"}', "two members", id="doubled"),
        pytest.param(b'{"username": ' + b"[" * 100_000, "nested", id="deep"),
        pytest.param(b'{"username": "' + b"a" * 300_000 + b'"}', "256 KiB", id="long"),
        pytest.param(b'{"user_name": "ada"}', 'Did you mean "username"?', id="field"),
    ],
)  # fmt: skip
def test_what_is_no_such_file_is_told_in_words(site: MovingSite, data: bytes, words: str) -> None:
    path = site.folder / "users.jsonl"
    path.write_bytes(data)
    done = site.run("import", "main", str(path))
    said = " ".join(done.stderr.decode().split())
    assert done.returncode == 2, said
    assert words in said
    assert "Traceback" not in said


def test_a_file_that_is_not_there(site: MovingSite) -> None:
    done = site.run("import", "main", str(site.folder / "nothing.jsonl"))
    assert (done.returncode, b"cannot be read" in done.stderr) == (2, True)
    other = site.run("import", "others", site.file([person("ada")]))
    assert (other.returncode, b"There is no user pool" in other.stderr) == (2, True)


@pytest.mark.parametrize(
    "hash",
    [
        "$argon2id$v=19$m=4194304,t=3,p=4$c2FsdHNhbHRzYWx0$" + "A" * 43,
        "$2b$31$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
        "$pbkdf2-sha256$1000000000$c2FsdHNhbHRzYWx0$" + "A" * 43,
        "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
    ],
)
def test_a_hash_that_costs_too_much_does_not_come_in(site: MovingSite, hash: str) -> None:
    """B8: a hostile file buys no memory and no time. Twin: the others of the same kinds came in above."""
    refused = site.bring(person("ada"), person("bob", password_hash=hash), code=2)
    (line,) = refused["lines"]
    assert (line["line"], line["where"]) == (2, "password_hash")
    assert hash not in json.dumps(refused)
    assert site.count() == 0


def test_cognitos_csv_brings_people_who_choose_a_password(site: MovingSite) -> None:
    header = "cognito:username,name,email,email_verified,birthdate,custom:tier,cognito:mfa_enabled"
    rows = [
        r"ada,Lovelace\, Ada,ada@example.com,true,12/10/1815,gold,false",
        "bob,,bob@example.com,TRUE,,,false",
    ]
    path = site.folder / "users.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([header, *rows, ""]).encode())
    told = site.told("import", "main", "--csv", str(path))
    assert (told["written"], told["notes"]) == (2, {"no_password": 2})
    ada = site.person("ada")
    assert ada.status == "RESET_REQUIRED"
    assert (ada.attributes["name"], ada.attributes["birthdate"]) == ("Lovelace, Ada", "1815-12-10")


@pytest.mark.parametrize(
    ("header", "row", "where", "line"),
    [
        pytest.param("cognito:username,emial,cognito:mfa_enabled", "ada,x,false", "emial", 1, id="column"),
        pytest.param("cognito:username,email", "ada,x", "cognito:mfa_enabled", 1, id="missing-column"),
        pytest.param("name,name,cognito:username,cognito:mfa_enabled", "a,a,ada,false", "name", 1, id="doubled"),
        pytest.param("username,email", "ada,x", "", 1, id="no-header"),
        pytest.param(None, "ada,a@example.com,true", "", 2, id="cells"),
        pytest.param(None, ",a@example.com,true,false", "cognito:username", 2, id="no-name"),
        pytest.param(None, "ada,a@example.com,false,false", "email_verified", 2, id="unreachable"),
        pytest.param(None, "ada,a@example.com,yes,false", "email_verified", 2, id="flag"),
        pytest.param(None, "ada,,true,false", "attributes.email_verified", 2, id="no-address"),
        pytest.param(None, "ada,a@example.com,true,true", "cognito:mfa_enabled", 2, id="mfa"),
        pytest.param(None, '"ada,a@example.com,true,false', "", 2, id="quote"),
        pytest.param(None, "ada,nobody,true,false", "attributes.email", 2, id="address"),
    ],
)  # fmt: skip
def test_cognitos_csv_by_the_rules_of_its_import_jobs(
    site: MovingSite, header: str | None, row: str, where: str, line: int
) -> None:
    header = header or "cognito:username,email,email_verified,cognito:mfa_enabled"
    path = site.folder / "users.csv"
    path.write_text(f"{header}\n{row}\n")
    refused = site.told("import", "main", "--csv", str(path), code=2)
    assert [(each["where"], each["line"]) for each in refused["lines"]] == [(where, line)]
    assert site.count() == 0


def test_people_named_by_their_address(tmp_path: Path) -> None:
    """No user name is needed, and one that is an address is taken as it; a sub stays."""
    site = MovingSite(tmp_path / "here", sign_in_with=["email"])
    address = {"email": "Ada@example.com"}
    site.bring(
        {"sub": SUB, "attributes": address, "password_hash": HASH},
        {"username": "bob@example.com", "password_hash": HASH},
    )
    assert site.person("ada@example.com").sub == SUB
    assert site.lets_in("bob@example.com")
    there = MovingSite(tmp_path / "there", sign_in_with=["email"])
    assert there.bring(*site.exported("--with-hashes"))["written"] == 2
    assert there.lets_in("ada@example.com")
    named = there.bring(person("ada"), code=2)
    assert named["lines"][0]["where"] == "username"
    nameless = there.bring({"password_hash": HASH}, code=2)
    assert nameless["lines"][0]["where"] == "attributes.email"
    replaced = there.bring({"attributes": address}, words=("--on-conflict", "replace"))
    assert (replaced["replaced"], there.person("ada@example.com").sub) == (1, SUB)


def test_moving_is_audited_without_names(site: MovingSite) -> None:
    """L4: how many, by whom, with which secrets."""
    site.bring(person("ada"))
    site.exported("--with-hashes")
    with site.store() as store:
        newest = store.audit.read(limit=2)
    assert [(each.action, each.actor) for each in newest] == [
        ("users_exported", "operator"),
        ("users_imported", "operator"),
    ]
    assert "hashes" in newest[0].detail
    assert newest[1].detail == "1 people"


def test_nothing_of_a_hash_is_shown(site: MovingSite) -> None:
    done = site.run("import", site.file([person("ada", password_hash=HASH + "?")]))
    assert done.returncode == 2
    assert HASH[-20:].encode() not in done.stderr + done.stdout
