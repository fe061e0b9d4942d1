"""What each mail says, in one place for whoever translates it: plain text, one function a purpose.

No text holds a link, and the only words of somebody else's are the pool's name (the operator's), a code or password of
ours, and, in an invitation, a user name that no mail program takes for a link (B14). A person who is tricked into
reading one learns nothing about whether somebody has an account: that only their own mailbox is told.
"""

import re
from typing import Final

from auth.mail.message import MAX_SUBJECT, Message, Purpose
from auth.pool import Pool

# No dot, slash or colon: "evil.example" in a mail is a link wherever mail programs make links of what looks like one.
_HARMLESS_NAME: Final = re.compile(r"[A-Za-z0-9_+-]{1,64}")
_MAX_NAME: Final = 60  # characters of the pool's name: the subject has room for 140
_IGNORE: Final = "If you did not ask for it, ignore this mail: without the code nothing happens."
_KEEP: Final = "Nobody will ever ask you for it; do not pass it on."


def sign_up_code(pool: Pool, to: str, code: str) -> Message:
    return _mail(pool, to, "sign_up", "your sign-up code", _code("finish signing up", code, "24 hours"))


def resent_code(pool: Pool, to: str, code: str) -> Message:
    """The sign-up code again; earlier ones are dead."""
    body = _code("finish signing up", code, "24 hours", "Earlier codes no longer work.")
    return _mail(pool, to, "resend", "your new sign-up code", body)


def reset_code(pool: Pool, to: str, code: str) -> Message:
    return _mail(
        pool, to, "reset", "your code for a new password", _code("choose a new password", code, "one hour")
    )


def attribute_code(pool: Pool, to: str, code: str) -> Message:
    """To an address that is to be verified, so perhaps to somebody who has no account here."""
    return _mail(
        pool, to, "attribute", "confirm this address", _code("confirm this address", code, "24 hours")
    )


def mfa_code(pool: Pool, to: str, code: str, minutes: int = 3) -> Message:
    """:param minutes: that it is valid. Whoever gets it unasked is told that the password is known to somebody."""
    return _mail(
        pool,
        to,
        "mfa",
        "your sign-in code",
        [
            f"This code finishes signing in{_at(pool)}:",
            _own_line(code),
            f"It is valid for {minutes} minutes. {_KEEP}",
            "If you are not signing in just now, somebody else knows your password: change it.",
        ],
    )


def sign_in_code(pool: Pool, to: str, code: str, minutes: int = 3) -> Message:
    """Instead of a password. :param minutes: that it is valid."""
    return _mail(pool, to, "mfa", "your sign-in code", _code("sign in", code, f"{minutes} minutes"))


def taken_address(pool: Pool, to: str) -> Message:
    """Instead of a sign-up code, where the address has an account: the page says the same to both (B6)."""
    return _mail(
        pool,
        to,
        "taken_address",
        "you already have an account",
        [
            f"Somebody, perhaps you, tried to sign up{_at(pool)} with this address. It has an account already.",
            "If that was you, sign in; if you have forgotten the password, ask for a new one there.",
            "If not, there is nothing to do: nothing was changed, and nobody was told about your account.",
        ],
    )


def invitation(pool: Pool, to: str, username: str, password: str, days: int = 7) -> Message:
    """:param username: what to sign in with; left out where it may pass for a link. :param days: until the temporary
    *password* ends.
    """
    return _mail(
        pool,
        to,
        "invitation",
        "an account was made for you",
        [
            f"An administrator has made an account for you{_at(pool)}.",
            _who(username, to),
            "Your temporary password:",
            _own_line(password),
            f"It is valid for {days} days and for the first sign-in only, where you choose your own. {_KEEP}",
        ],
    )


def password_changed(pool: Pool, to: str) -> Message:
    return _mail(
        pool,
        to,
        "password_changed",
        "your password was changed",
        [
            f"The password of your account{_at(pool)} was changed.",
            "If that was not you, ask for a new password on the sign-in page at once: it signs everybody out.",
        ],
    )


def address_changed(pool: Pool, old: str) -> Message:
    """To the address that was replaced, whose owner may be the victim; the new one is not named (B11)."""
    return _mail(
        pool,
        old,
        "address_changed",
        "your address was changed",
        [
            f"The mail address of your account{_at(pool)} was changed. This is the last mail to the old one.",
            "If that was not you, tell whoever runs the service: somebody else is signed in as you.",
        ],
    )


def _code(what: str, code: str, validity: str, more: str = "") -> list[str]:
    return [
        f"With this code you {what}:",
        _own_line(code),
        f"It is valid for {validity}. {more or _KEEP}",
        _IGNORE,
    ]


def _own_line(secret: str) -> str:
    """Where a person marks it with two clicks, and a test finds it."""
    return f"    {secret}"


def _who(username: str, to: str) -> str:
    if username.casefold() == to.casefold():
        return "Sign in with this mail address."
    if _HARMLESS_NAME.fullmatch(username):
        return f"Your user name: {username}"
    return "Sign in with the user name that the administrator tells you."


def _name(pool: Pool) -> str:
    """As one short line, whatever the file says."""
    shown = "".join(letter if letter.isprintable() else " " for letter in pool.brand.name)
    return " ".join(shown.split())[:_MAX_NAME]


def _at(pool: Pool) -> str:
    return f" at {_name(pool)}" if _name(pool) else ""


def _mail(pool: Pool, to: str, purpose: Purpose, subject: str, paragraphs: list[str]) -> Message:
    name = _name(pool)
    line = f"{name}: {subject}" if name else subject[:1].upper() + subject[1:]
    text = "\n\n".join(paragraphs) + "\n"
    return Message(to=to, subject=line[:MAX_SUBJECT], text=text, pool_id=pool.pool_id, purpose=purpose)
