"""Mail to a real mail server of others, on loopback."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from auth.mail.message import Message
from auth.mail.sender import NotNow, Refused
from auth.mail.smtp import Encryption, SmtpSender, SmtpServer, sender_address
from tests.support.certificates import self_signed
from tests.support.mail_server import MailServer

LOGIN = ("notes", "a secret")
HEADERS = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"} | {
    "MIME-Version", "Content-Type", "Content-Transfer-Encoding"
}  # fmt: skip


def message(
    to: str = "ada@example.com", text: str = "Hello\n\n    123456\n", subject: str = "A code"
) -> Message:
    return Message(to=to, subject=subject, text=text, pool_id="us-east-1_Main00001", purpose="sign_up")


def sender_for(
    server: MailServer,
    *,
    encryption: Encryption = "none",
    login: tuple[str, str] | None = None,
    trusted: Path | None = None,
    timeout_s: float = 10.0,
) -> SmtpSender:
    name, password = login or (None, None)
    settings = SmtpServer(
        host="127.0.0.1",
        port=server.port,
        sender="Notes <hello@example.com>",
        username=name,
        password=password,
        encryption=encryption,
        timeout_s=timeout_s,
    )
    return SmtpSender(settings, tls=ssl.create_default_context(cafile=trusted) if trusted else None)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"), "127.0.0.1")


def test_a_mail_arrives_as_it_was_written(server: MailServer) -> None:
    sender_for(server).send(message())
    arrived = server.arrived()
    assert (arrived.sender, arrived.recipients) == ("hello@example.com", ("ada@example.com",))
    assert arrived.mail["from"] == "Notes <hello@example.com>"
    assert arrived.mail["to"] == "ada@example.com"
    assert arrived.mail["subject"] == "A code"
    assert arrived.mail["auto-submitted"] == "auto-generated"
    assert arrived.mail["message-id"].endswith("@example.com>")
    assert arrived.mail["date"]
    assert arrived.mail.get_content_type() == "text/plain"
    assert arrived.text.replace("\r\n", "\n") == message().text
    assert arrived.code == "123456"
    assert not arrived.is_encrypted


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        pytest.param("Ihr Code für Notizen ☃", "Grüße ☃\n.\n..\n", id="unicode-and-dots"),
        pytest.param("A code", "long " * 300 + "\n", id="long-line"),
        pytest.param("=?utf-8?q?x?=", "=?utf-8?q?=0d=0aBcc=3a?=\n", id="encoded-words"),
    ],
)
def test_subject_and_text_survive_the_way(server: MailServer, subject: str, text: str) -> None:
    sender_for(server).send(message(text=text, subject=subject))
    arrived = server.arrived()
    assert arrived.text.replace("\r\n", "\n") == text
    assert arrived.recipients == ("ada@example.com",)
    assert sorted(arrived.mail.keys()) == sorted(
        [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "Auto-Submitted",
            "Content-Type",
            "Content-Transfer-Encoding",
            "MIME-Version",
        ]
    )


def test_the_headers_are_ours_only_whatever_the_text_says(server: MailServer) -> None:
    """B14: a text that looks like headers stays text."""
    sender_for(server).send(message(text="Bcc: eve@example.com\n\nSubject: other\n"))
    arrived = server.arrived()
    assert arrived.mail["bcc"] is None
    assert arrived.mail.get_all("subject") == ["A code"]
    assert arrived.recipients == ("ada@example.com",)


def test_an_address_with_other_letters_needs_a_server_that_knows_them(server: MailServer) -> None:
    sender_for(server).send(message(to="jörg@bücher.example"))
    assert server.arrived().recipients == ("jörg@bücher.example",)
    with MailServer(smtputf8=False) as old, pytest.raises(Refused):
        sender_for(old).send(message(to="jörg@bücher.example"))


def test_starttls_and_login(certificate: tuple[ssl.SSLContext, Path]) -> None:
    context, trusted = certificate
    with MailServer(tls=context, login=LOGIN) as server:
        sender_for(server, encryption="starttls", login=LOGIN, trusted=trusted).send(message())
        arrived = server.arrived()
    assert (arrived.is_encrypted, arrived.username) == (True, "notes")


def test_tls_from_the_first_byte(certificate: tuple[ssl.SSLContext, Path]) -> None:
    context, trusted = certificate
    with MailServer(tls=context, implicit=True) as server:
        sender_for(server, encryption="implicit", trusted=trusted).send(message())
        assert server.arrived().is_encrypted


def test_a_server_that_offers_no_encryption_gets_no_mail_and_no_password(server: MailServer) -> None:
    with pytest.raises(Refused, match="STARTTLS"):
        sender_for(server, encryption="starttls").send(message())
    assert not server.has_more()


def test_a_certificate_of_somebody_else_gets_no_mail(certificate: tuple[ssl.SSLContext, Path]) -> None:
    with MailServer(tls=certificate[0]) as server:
        with pytest.raises(NotNow, match="certificate"):
            sender_for(server, encryption="starttls").send(message())
        assert not server.has_more()


def test_a_wrong_password_is_said_without_the_password(certificate: tuple[ssl.SSLContext, Path]) -> None:
    context, trusted = certificate
    with MailServer(tls=context, login=LOGIN) as server:
        with pytest.raises(NotNow, match="535") as caught:
            sender_for(server, encryption="starttls", login=("notes", "another"), trusted=trusted).send(
                message()
            )
        assert "another" not in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        pytest.param("451 4.3.0 later", NotNow, id="451"),
        pytest.param("421 4.7.0 too many", NotNow, id="421"),
        pytest.param("450 4.2.1 greylisted", NotNow, id="450"),
        pytest.param("550 5.1.1 unknown", Refused, id="550"),
        pytest.param("554 5.7.1 spam", Refused, id="554"),
    ],
)
def test_what_the_server_answers_decides_whether_to_try_again(
    server: MailServer, reply: str, kind: type[Exception]
) -> None:
    server.says.append(reply)
    sender = sender_for(server)
    with pytest.raises(kind, match=reply[:9]):
        sender.send(message())
    assert not server.has_more()
    sender.send(message())
    assert server.arrived().code == "123456"


def test_what_a_server_repeats_does_not_get_into_the_reason(server: MailServer) -> None:
    """L2: neither the address nor a code."""
    server.says.append("550 5.1.1 <ada@example.com>: code 123456 \x1b[2J not known")
    with pytest.raises(Refused) as caught:
        sender_for(server).send(message())
    assert "not known" in caught.value.reason
    for secret in ("ada", "123456", "\x1b"):
        assert secret not in caught.value.reason


def test_a_server_that_hangs_is_left(server: MailServer) -> None:
    server.says.append("hang")
    with pytest.raises(NotNow):
        sender_for(server, timeout_s=0.2).send(message())
    assert server.hung.is_set()


def test_a_server_that_accepts_and_says_nothing_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = SmtpServer(
            host="127.0.0.1", port=silent.getsockname()[1], sender="hello@example.com", timeout_s=0.2
        )
        with pytest.raises(NotNow):
            SmtpSender(settings).send(message())


def test_no_server_at_all_is_for_the_moment() -> None:
    with MailServer() as gone:
        sender = sender_for(gone)
    with pytest.raises(NotNow, match="ConnectionRefusedError"):
        sender.send(message())


@pytest.mark.parametrize(
    ("host", "port", "said", "way"),
    [
        pytest.param("127.0.0.1", 1025, None, "none", id="this-machine"),
        pytest.param("localhost", 25, None, "none", id="this-machine-by-name"),
        pytest.param("mail.example.com", 587, None, "starttls", id="elsewhere"),
        pytest.param("mail.example.com", 25, None, "starttls", id="elsewhere-25"),
        pytest.param("mail.example.com", 465, None, "implicit", id="smtps"),
        pytest.param("mail.example.com", 587, "none", "none", id="said-none"),
        pytest.param("127.0.0.1", 587, "starttls", "starttls", id="said-starttls"),
    ],
)
def test_encryption_is_decided_by_the_file(
    host: str, port: int, said: Encryption | None, way: Encryption
) -> None:
    assert SmtpServer(host=host, port=port, sender="hello@example.com", encryption=said).way == way


def test_settings_that_cannot_work_are_refused() -> None:
    good = {"host": "mail.example.com", "sender": "hello@example.com"}
    assert SmtpServer(**good, username="notes", password="a secret")
    with pytest.raises(ValueError, match="both"):
        SmtpServer(**good, username="notes")
    with pytest.raises(ValueError, match="without encryption"):
        SmtpServer(**good, username="notes", password="a secret", encryption="none")
    with pytest.raises(ValueError, match="not a mail address"):
        SmtpServer(host="mail.example.com", sender="Notes")


def test_no_repr_shows_the_password() -> None:
    settings = SmtpServer(host="h", sender="hello@example.com", username="notes", password="a secret")
    assert "a secret" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("hello@example.com", "", "hello@example.com"),
        ("Notes <hello@example.com>", "Notes", "hello@example.com"),
        ('"Notes, Ltd." <hello@example.com>', "Notes, Ltd.", "hello@example.com"),
        ("Größe <hello@example.com>", "Größe", "hello@example.com"),
    ],
)
def test_a_sender_may_have_a_name(text: str, name: str, address: str) -> None:
    parsed = sender_address(text)
    assert (parsed.display_name, parsed.addr_spec) == (name, address)


@pytest.mark.parametrize(
    "text", ["", "Notes", "a@b.example, c@d.example", "Notes <a@b.example>\r\nBcc: c@d.example"]
)
def test_a_sender_is_one_address(text: str) -> None:
    """B14: the operator's own line is no way in either."""
    with pytest.raises(ValueError, match="not a mail address"):
        sender_address(text)
