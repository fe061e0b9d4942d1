"""Mail that is shown to whoever runs `dev`."""

import pytest

from auth.mail.console import ConsoleSender
from auth.mail.message import Message

MAIL = Message(
    to="ada@example.com", subject="A code", text="Hello\n\n    123456\n", pool_id="p", purpose="sign_up"
)


def test_the_whole_mail_is_written_at_once() -> None:
    written: list[str] = []
    ConsoleSender(written.append).send(MAIL)
    (text,) = written
    assert "│ To: ada@example.com\n" in text
    assert "│ Subject: A code\n" in text
    assert "│     123456\n" in text


def test_it_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    ConsoleSender().send(MAIL)
    shown = capsys.readouterr()
    assert "123456" in shown.err
    assert shown.out == ""
