"""Which certificate the server speaks with, and what it keeps of its own making."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from kit.certificate import self_signed, utc_now
from lockgate import settings
from lockgate.cli import Parser, build_parser
from lockgate.errors import ConfigurationError, RuntimeFailure, UsageError
from lockgate.tls import open_tls, own_pair, reread_tls
from tests.support.tls_pair import make_pair


def parse(*argv: str, environ: dict[str, str] | None = None) -> settings.Settings:
    parser = Parser()
    settings.add_flags(parser, settings.SERVER_FLAGS, environ or {})
    return settings.server_settings(parser.parse_args(argv), dev=False)


def test_without_a_certificate_http_is_spoken(tmp_path: Path) -> None:
    assert open_tls(parse(), tmp_path) is None
    assert reread_tls(None) == ()


def test_named_pair_is_used(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    for given in (
        parse("--tls-cert", str(pair.cert), "--tls-key", str(pair.key)),
        parse(environ={"LOCKGATE_TLS_CERT": str(pair.cert), "LOCKGATE_TLS_KEY": str(pair.key)}),
    ):
        tls = open_tls(given, tmp_path)
        assert tls is not None
        assert (tls.cert, tls.key) == (pair.cert, pair.key)


@pytest.mark.parametrize("flag", ["--tls-cert", "--tls-key"])
def test_half_a_pair_is_refused(flag: str) -> None:
    with pytest.raises(UsageError, match="belong together"):
        parse(flag, "x.pem")


def test_bad_pair_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailure, match="cannot be read") as caught:
        open_tls(parse("--tls-cert", "no.pem", "--tls-key", "no.key"), tmp_path)
    assert caught.value.instead


def test_bad_pair_refuses_a_reload(tmp_path: Path) -> None:
    """P3"""
    pair = make_pair(tmp_path)
    tls = pair.context()
    serving = tls.current
    pair.key.write_bytes(b"")
    with pytest.raises(ConfigurationError, match="no private key"):
        reread_tls(tls)
    assert tls.current is serving
    pair.replace_by(make_pair(tmp_path / "new"))
    assert reread_tls(tls) == ("certificate",)
    assert reread_tls(tls) == ()
    assert tls.current is not serving


def test_dev_makes_a_certificate_and_keeps_it(tmp_path: Path) -> None:
    arguments = build_parser().parse_args(["dev", "--tls"])
    given = settings.server_settings(arguments, dev=True)
    first = open_tls(given, tmp_path)
    assert first is not None
    made = first.cert.read_bytes()
    assert first.warnings == ()
    assert {stat.S_IMODE(path.stat().st_mode) for path in (first.cert, first.key)} == {0o600}
    assert stat.S_IMODE(first.cert.parent.stat().st_mode) == 0o700
    second = open_tls(given, tmp_path)
    assert second is not None
    assert second.cert.read_bytes() == made


@pytest.mark.parametrize("what", ["old", "damaged", "without-key"])
def test_it_is_made_anew(tmp_path: Path, what: str) -> None:
    cert, key = own_pair(tmp_path / "tls")
    if what == "old":
        for path, pem in zip(
            (cert, key), self_signed(("localhost",), utc_now() - timedelta(days=340)), strict=True
        ):
            path.write_bytes(pem)
    elif what == "damaged":
        cert.write_bytes(b"-----BEGIN")
    else:
        key.unlink()
    before = cert.read_bytes()
    own_pair(tmp_path / "tls")
    assert cert.read_bytes() != before
    assert key.exists()


def test_own_and_named_certificate_exclude_each_other(tmp_path: Path) -> None:
    arguments = build_parser().parse_args(["dev", "--tls", "--tls-cert", "a", "--tls-key", "b"])
    with pytest.raises(UsageError, match="--tls-cert names one"):
        settings.server_settings(arguments, dev=True)
    with pytest.raises(SystemExit):
        build_parser().parse_args(["serve", "--tls"])
