"""Certificates and keys: what is wrong with a pair is said in words, and a bad one never replaces a good one."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from kit.certificate import LOCAL_HOSTS, first_of, is_due, self_signed
from kit.tls import TlsContext, TlsError, new_context
from tests.support.tls_pair import TlsPair, make_pair

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def rsa_pair(folder: Path, bits: int) -> TlsPair:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    pair = TlsPair(folder / "rsa.pem", folder / "rsa.key")
    pair.cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pair.key.touch(mode=0o600)
    pair.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return pair


def encrypted(key: Path) -> bytes:
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    secret = serialization.BestAvailableEncryption(b"secret")
    return loaded.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret)


def served_by(tls: TlsContext) -> bytes:
    """The certificate that a client sees in a handshake, as PEM."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    lenient = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    lenient.check_hostname, lenient.verify_mode = False, ssl.CERT_NONE
    client = lenient.wrap_bio(to_client, to_server)
    server = tls.current.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    der = client.getpeercert(binary_form=True)
    assert der is not None
    return ssl.DER_cert_to_PEM_cert(der).encode()


def test_pair_is_served(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    tls = pair.context()
    assert first_of(served_by(tls)) == first_of(pair.cert.read_bytes())
    assert tls.warnings == ()


@pytest.mark.parametrize("what", ["cert", "key"])
def test_missing_file(tmp_path: Path, what: str) -> None:
    pair = make_pair(tmp_path)
    getattr(pair, what).unlink()
    with pytest.raises(TlsError) as caught:
        pair.context()
    assert caught.value.what == str(getattr(pair, what))
    assert "No such file" in caught.value.why


def test_folder_for_a_file(tmp_path: Path) -> None:
    with pytest.raises(TlsError, match="Is a directory"):
        TlsContext(tmp_path, make_pair(tmp_path).key)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"", "no certificate in PEM form", id="empty"),
        pytest.param(b"\x30\x82\x01", "no certificate in PEM form", id="der"),
        pytest.param(b"x" * (1 << 20) + b"x", "longer than 1 MiB", id="large"),
    ],
)
def test_file_that_is_no_certificate(tmp_path: Path, content: bytes, why: str) -> None:
    pair = make_pair(tmp_path)
    pair.cert.write_bytes(content)
    with pytest.raises(TlsError, match=why):
        pair.context()


def test_files_in_each_others_place(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    with pytest.raises(TlsError, match="no certificate in PEM form"):
        TlsContext(pair.key, pair.cert)


def test_file_that_is_no_key(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    pair.key.write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    with pytest.raises(TlsError, match="no private key in PEM form") as caught:
        pair.context()
    assert caught.value.what == str(pair.key)


def test_key_of_another_certificate(tmp_path: Path) -> None:
    pair, other = make_pair(tmp_path), make_pair(tmp_path / "other")
    with pytest.raises(TlsError, match="does not belong to the first certificate"):
        TlsContext(pair.cert, other.key)


def test_chain_in_the_wrong_order(tmp_path: Path) -> None:
    pair, other = make_pair(tmp_path), make_pair(tmp_path / "other")
    own = pair.cert.read_bytes()
    pair.cert.write_bytes(own + other.cert.read_bytes())
    assert pair.context()
    pair.cert.write_bytes(other.cert.read_bytes() + own)
    with pytest.raises(TlsError, match="own certificate comes first"):
        pair.context()


def test_encrypted_key(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    pair.key.write_bytes(encrypted(pair.key))
    with pytest.raises(TlsError, match="the key is encrypted"):
        pair.context()


def test_weak_key(tmp_path: Path) -> None:
    assert rsa_pair(tmp_path / "strong", 2048).context()
    with pytest.raises(TlsError, match="too weak"):
        rsa_pair(tmp_path / "weak", 1024).context()


def test_expired_certificate_is_a_warning(tmp_path: Path) -> None:
    [warning] = make_pair(tmp_path, age_days=400).context().warnings
    assert "expired" in warning


def test_certificate_of_tomorrow_is_a_warning(tmp_path: Path) -> None:
    [warning] = make_pair(tmp_path, age_days=-2).context().warnings
    assert "valid only from" in warning


def test_key_that_everybody_can_read_is_a_warning(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    pair.key.chmod(0o644)
    [warning] = pair.context().warnings
    assert "every user of this machine can read" in warning


def test_reload_changes_the_kind_of_key_too(tmp_path: Path) -> None:
    """H19: nothing of the pair before stays behind it, as it would if a context were loaded twice."""
    pair = make_pair(tmp_path)
    tls = pair.context()
    for other in (rsa_pair(tmp_path / "rsa", 2048), make_pair(tmp_path / "other")):
        pair.replace_by(other)
        tls.reload()
        assert first_of(served_by(tls)) == first_of(other.cert.read_bytes())


@pytest.mark.parametrize("broken", ["cert", "key"])
def test_bad_pair_leaves_the_old_one_serving(tmp_path: Path, broken: str) -> None:
    """P3"""
    pair = make_pair(tmp_path)
    tls = pair.context()
    before = served_by(tls)
    other = make_pair(tmp_path / "other")
    getattr(pair, broken).write_bytes(getattr(other, broken).read_bytes())
    with pytest.raises(TlsError):
        tls.reload()
    assert served_by(tls) == before
    pair.replace_by(other)
    tls.reload()
    assert served_by(tls) != before


def test_no_copy_of_the_key_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = make_pair(tmp_path / "pair")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    pair.context()
    pair.key.write_bytes(b"junk")
    with pytest.raises(TlsError):
        pair.context()
    assert list(scratch.iterdir()) == []


def test_what_is_spoken() -> None:
    """H19: TLS 1.2 and above, forward secrecy, no CBC, no compression, no renegotiation."""
    context = new_context()
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_COMPRESSION
    assert context.options & ssl.OP_NO_RENEGOTIATION
    for cipher in context.get_ciphers():
        assert cipher["aead"], cipher["name"]
        assert cipher["protocol"] == "TLSv1.3" or cipher["name"].startswith("ECDHE-"), cipher["name"]


def test_self_signed_is_for_this_machine() -> None:
    pem, key = self_signed(LOCAL_HOSTS, NOW)
    certificate = first_of(pem)
    assert certificate is not None
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(days=365)
    assert key.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


@pytest.mark.parametrize(
    ("age_days", "hosts", "due"),
    [
        pytest.param(0, LOCAL_HOSTS, False, id="new"),
        pytest.param(330, LOCAL_HOSTS, False, id="35-days-left"),
        pytest.param(340, LOCAL_HOSTS, True, id="25-days-left"),
        pytest.param(0, (*LOCAL_HOSTS, "api.local"), True, id="another-host"),
    ],
)
def test_when_it_is_made_anew(age_days: int, hosts: tuple[str, ...], due: bool) -> None:
    pem, _ = self_signed(LOCAL_HOSTS, NOW)
    assert is_due(pem, hosts, NOW + timedelta(days=age_days)) is due
    assert is_due(b"junk", hosts, NOW)
