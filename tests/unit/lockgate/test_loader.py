"""A good file comes out complete and resolved; no file at all makes the loader raise."""

import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.route_key import RouteKey
from kit.positioned_yaml import Mark
from lockgate.config.checks.routes import MAX_RESPOND_BYTES
from lockgate.config.codes import CODES
from lockgate.config.grammar.scalars import MemoryLimit
from lockgate.config.loader import load, load_bytes
from lockgate.route_list import as_json

GOOD = """\
version: 1
region: eu-central-1
account_id: "123456789012"
server:
  domains: [API.example.com, localhost]
  limits: {memory: 4096, environments: 40, starts: 2, log_mb: 50}
defaults: {runtime: python3.12, memory: 512, timeout: 1500ms, storage: 1024, idle_timeout: 1h}
stages:
  $default: {}
  prod: {variables: {table: notes}}
functions:
  notes:
    code: notes
    handler: lib/app.handler
    environment: {API_KEY: "${env:API_KEY}", MODE: "${env:MODE:-dev}", AWS_SESSION_TOKEN: x}
    memory: 128
    timeout: 15m
    concurrency: {reserved: 3}
    volumes: {NOTES_DIR: data/notes}
  rust: {code: rust.zip, runtime: provided.al2023, cpu: shared}
routes:
  get  /notes/{id}: {function: notes, public: true, payload: "1.0", timeout: 2m}
  POST /rust: {function: rust, public: true}
  GET /: {public: true, respond: {status: 201, headers: {Content-Type: text/html}, file: web/index.html}}
  $default: {public: true, respond: {status: 404, body: '{"message":"Not Found"}'}}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name in ("notes/lib", "web"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "notes/lib/app.py").write_text("def handler(event, context): ...\n")
    (tmp_path / "web/index.html").write_text("<p>")
    with zipfile.ZipFile(tmp_path / "rust.zip", "w") as package:
        package.writestr("bootstrap", b"\x7fELF")
        package.writestr("src/main/__init__.py", b"")
    (tmp_path / "routes.yaml").write_text(GOOD)
    return tmp_path


def test_a_good_file_gives_resolved_functions(site: Path) -> None:
    file = load(site / "routes.yaml", {"API_KEY": "s3cret-value"}).file
    assert file is not None
    functions = file.resolved_functions()
    notes, rust = functions["notes"], functions["rust"]
    assert (notes.code, notes.handler, notes.runtime) == (site / "notes", "lib/app.handler", "python3.12")
    assert (notes.memory_mb, notes.timeout_s, notes.storage_mb, notes.idle_timeout_s) == (
        128,
        900.0,
        1024,
        3600.0,
    )
    assert notes.environment == {"API_KEY": "s3cret-value", "MODE": "dev", "AWS_SESSION_TOKEN": "x"}
    assert notes.volumes == {"NOTES_DIR": site / "data/notes"}
    assert (notes.reserved, notes.cpu) == (3, "shared")
    assert (rust.handler, rust.runtime, rust.memory_mb, rust.timeout_s) == (
        "bootstrap",
        "provided.al2023",
        512,
        1.5,
    )
    assert rust.reserved is None


def test_a_good_file_gives_resolved_routes(site: Path) -> None:
    file = load(site / "routes.yaml", {"API_KEY": "x"}).file
    assert file is not None
    get, post, root, default = file.resolved_routes()
    assert get.key == RouteKey.parse("GET /notes/{id}")
    assert (get.function, get.respond, get.payload, get.timeout_s) == ("notes", None, "1.0", 120.0)
    assert get.position == Mark(GOOD[: GOOD.index("  get  /")].count("\n") + 1, 3)
    assert (post.payload, post.timeout_s) == ("2.0", 30.0)
    assert root.respond is not None
    assert default.respond is not None
    assert (root.respond.status, root.respond.headers) == (201, {"content-type": "text/html"})
    assert (root.respond.file, root.respond.body) == (site / "web/index.html", None)
    assert (default.respond.status, default.respond.body) == (404, '{"message":"Not Found"}')


def test_a_good_file_gives_server_and_stages(site: Path) -> None:
    file = load(site / "routes.yaml", {"API_KEY": "x"}).file
    assert file is not None
    assert (file.region, file.account_id) == ("eu-central-1", "123456789012")
    assert file.stages == {"$default": {}, "prod": {"table": "notes"}}
    assert file.server.domains == ("api.example.com", "localhost")
    assert file.server.limits.memory == MemoryLimit(mb=4096)
    limits = file.server.limits
    assert limits.memory.of(machine_mb=64_000) == 4096
    assert (limits.environments, limits.starts, limits.log_mb) == (40, 2, 50)


def test_defaults_of_the_smallest_file(tmp_path: Path) -> None:
    loaded = load_bytes(b"version: 1\n", tmp_path / "routes.yaml", {})
    assert loaded.problems == ()
    assert loaded.file is not None
    assert loaded.file.stages == {"$default": {}}
    assert loaded.file.server.limits.memory.of(1000) == 750
    assert (loaded.file.region, loaded.file.account_id) == ("us-east-1", "000000000000")
    assert loaded.file.defaults.runtime == "python3.13"


def test_no_repr_shows_a_value(site: Path) -> None:
    loaded = load(site / "routes.yaml", {"API_KEY": "s3cret-value"})
    assert loaded.file is not None
    shown = [loaded, loaded.file, loaded.file.functions, *loaded.file.resolved_functions().values()]
    shown += [loaded.file.routes, loaded.file.resolved_routes()]
    assert "s3cret-value" not in "".join(f"{one!r} {one!s}" for one in shown)


def test_warnings_alone_leave_the_file_usable(site: Path) -> None:
    text = GOOD.replace("  POST /rust: {function: rust, public: true}\n", "")
    loaded = load_bytes(text.encode(), site / "routes.yaml", {"API_KEY": "x"})
    assert [problem.code for problem in loaded.problems] == ["unused-function"]
    assert loaded.ok


def test_an_error_gives_no_file_at_all(site: Path) -> None:
    loaded = load(site / "routes.yaml", {})
    assert [problem.code for problem in loaded.problems] == ["reference-unset"]
    assert loaded.file is None
    assert not loaded.ok


@pytest.mark.parametrize("name", ["missing.yaml", "web"])
def test_a_file_that_cannot_be_read_is_a_problem(site: Path, name: str) -> None:
    loaded = load(site / name, {})
    assert [problem.code for problem in loaded.problems] == ["file-unreadable"]


def test_paths_of_the_file_start_at_its_folder(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(site.parent)
    loaded = load(Path(site.name) / "routes.yaml", {"API_KEY": "x"})
    assert loaded.file is not None
    assert loaded.file.resolved_functions()["notes"].code == site / "notes"


def test_modules_in_a_zip_are_found(site: Path) -> None:
    for handler, codes in (("src.main.handler", []), ("src.other.handler", ["handler-module-missing"])):
        text = f"""\
version: 1
functions: {{f: {{code: rust.zip, handler: {handler}}}}}
routes: {{GET /: {{public: true, function: f}}}}
"""
        loaded = load_bytes(text.encode(), site / "routes.yaml", {})
        assert [problem.code for problem in loaded.problems] == codes


def test_ten_thousand_routes_fit(site: Path) -> None:
    lines = [
        f"  GET /a{number}/{{id}}: {{public: true, respond: {{body: ok}}}}\n" for number in range(10_000)
    ]
    loaded = load_bytes(("version: 1\nroutes:\n" + "".join(lines)).encode(), site / "routes.yaml", {})
    assert loaded.problems == ()
    assert loaded.file is not None
    assert len(loaded.file.resolved_routes()) == 10_000


def test_a_file_that_is_too_large_to_answer_with_is_refused(site: Path) -> None:
    with (site / "web/large.bin").open("wb") as large:
        large.truncate(MAX_RESPOND_BYTES + 1)
    text = "version: 1\nroutes: {GET /: {public: true, respond: {file: web/large.bin}}}\n"
    loaded = load_bytes(text.encode(), site / "routes.yaml", {})
    assert [(problem.code, problem.column) for problem in loaded.problems] == [("respond-file", 48)]


def test_a_generated_file_that_went_wrong_gives_its_first_problems(site: Path) -> None:
    lines = [f"  GET /a{number}: {{respond: {{}}}}\n" for number in range(2_000)]
    loaded = load_bytes(("version: 1\nroutes:\n" + "".join(lines)).encode(), site / "routes.yaml", {})
    assert len(loaded.problems) == 500
    assert loaded.problems[0].line == 3


SECTIONS = (
    "version",
    "region",
    "server",
    "limits",
    "defaults",
    "stages",
    "cors",
    "user_pools",
    "authorizers",
    "functions",
    "routes",
)
KEYS = (
    *SECTIONS,
    *("code", "handler", "runtime", "environment", "volumes", "memory", "timeout", "concurrency", "reserved"),
    *(
        "function",
        "public",
        "auth",
        "respond",
        "file",
        "body",
        "headers",
        "status",
        "payload",
        "type",
        "clients",
    ),
    *(
        "issuer",
        "audience",
        "identity_source",
        "algorithms",
        "leeway",
        "ttl",
        "allow_http",
        "scopes",
        "throttle",
    ),
    *("rate", "burst", "by", "allow_origins", "allow_headers", "max_age", "trusted_proxies", "gateway_url"),
    *("access_log", "claims", "domains", "OPTIONS /"),
    *(
        "GET /",
        "get /{x}",
        "$default",
        "notes",
        "my:fn",
        "a\x00b",
        "x" * 300,
        "",
        "aliases",
        "image",
        "variables",
    ),
)
VALUES = (
    *("notes", "lib/app.handler", "${env:X}", "${env:NO}", "${file:.}", "$${", "1.0", "75%", "10s", "a\x00b"),
    *(
        "x" * 5000,
        "../..",
        "/",
        ".",
        "jwt",
        "function",
        "python3.13",
        "provided",
        "\U0001f600",
        "a:b",
        "x" * 300,
    ),
    *(
        "https://a.example",
        "https://[",
        "http://a:b",
        "https://a.example:99999",
        "::/0",
        "10.0.0.1/8",
        "RS256",
    ),
    *(
        "$request.header.Authorization",
        "$context.routeKey",
        "$request.header.",
        "source_ip",
        "claim.sub",
        "header.",
    ),
)
leaves = st.booleans() | st.integers(-(10**10), 10**10) | st.floats(-1e6, 1e6) | st.sampled_from(VALUES)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=30,
)
sections = st.dictionaries(
    st.sampled_from(SECTIONS), st.dictionaries(st.sampled_from(KEYS), trees, max_size=4)
)


@given(trees | sections)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_nested_value_makes_the_loader_raise(site: Path, tree: object) -> None:
    loaded = load_bytes(json.dumps(tree).encode(), site / "routes.yaml", {"X": "s3cret-value"})
    for problem in loaded.problems:
        assert problem.code in CODES
        assert problem.line == 1
        assert problem.column >= 1
        assert "s3cret-value" not in problem.reason + problem.suggestion
    assert (loaded.file is None) == any(problem.severity == "error" for problem in loaded.problems)
    if loaded.file is not None:
        loaded.file.resolved_functions()
        loaded.file.resolved_routes()
        as_json(loaded.file)


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_no_bytes_make_the_loader_raise(data: bytes) -> None:
    assert load_bytes(data, Path("routes.yaml"), {}).problems


def test_headers_that_are_too_large_together_are_found_by_the_check(site: Path) -> None:
    """`check` said "no mistakes", and the server ended with a traceback."""
    many = ", ".join(f'x-{number}: "{"v" * 1000}"' for number in range(70))
    text = f"version: 1\nroutes:\n  GET /: {{public: true, respond: {{headers: {{{many}}}}}}}\n"
    (problem,) = load_bytes(text.encode(), site / "routes.yaml", {}).problems
    assert (problem.code, problem.key_path) == ("bad-header", ("routes", "GET /", "respond", "headers"))


def test_a_variable_with_a_nul_is_refused_without_its_value(site: Path) -> None:
    (site / "nul.txt").write_bytes(b"s3cret\0")
    text = GOOD.replace("${env:MODE:-dev}", "${file:nul.txt}")
    (problem,) = load_bytes(text.encode(), site / "routes.yaml", {"API_KEY": "k"}).problems
    assert (problem.code, problem.key_path[-1]) == ("wrong-value", "MODE")
    assert "s3cret" not in repr(problem.reason + problem.suggestion)
