"""Plain text out of what was written for a program that shows HTML."""

import pytest

from auth.mail.plain import plain_of


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        pytest.param("Code {####}", "Code {####}\n", id="text"),
        pytest.param("one\r\ntwo\tthree  four", "one\ntwo three four\n", id="lines"),
        pytest.param("1 < 2 > 0 & so", "1 < 2 > 0 & so\n", id="no-tags"),
        pytest.param("<p>One &amp; two</p><p>Three</p>", "One & two\n\nThree\n", id="paragraphs"),
        pytest.param("a<br>b<br/>c", "a\nb\nc\n", id="breaks"),
        pytest.param(
            '<a href="https://x.example/?a=1&amp;b=2">Go</a>', "Go (https://x.example/?a=1&b=2)\n", id="link"
        ),
        pytest.param("<style>p {}</style><script>x()</script><b>Hi</b>", "Hi\n", id="no-code"),
        pytest.param("<b>Hi", "Hi\n", id="unclosed"),
        pytest.param("<!-- x --><b>\u202eHi\x00</b>", "Hi\n", id="unprintable"),
        pytest.param("", "\n", id="nothing"),
    ],
)
def test_plain_text(text: str, plain: str) -> None:
    assert plain_of(text) == plain
