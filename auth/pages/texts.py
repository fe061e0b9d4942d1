"""Every sentence that the pages say, in one place. A translation is one more mapping with the same keys.

``{…}`` is filled in by whoever asks for the text; values are escaped by the template, never here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ENGLISH: Mapping[str, str] = {
    # around every page
    "error_prefix": "Error:",
    "problem.heading": "Please check this",
    # what people sign in with
    "name.username": "User name",
    "name.email": "Email address",
    "name.phone": "Phone number",
    "name.username.email": "User name or email address",
    "name.username.phone": "User name or phone number",
    "name.email.phone": "Email address or phone number",
    "name.username.email.phone": "User name, email address or phone number",
    # fields
    "field.email": "Email address",
    "field.phone_number": "Phone number",
    "field.phone_number.hint": "With the country code, as in +44 20 7946 0958",
    "field.password": "Password",
    "field.new_password": "New password",
    "field.repeat": "Repeat the password",
    "field.code": "Code",
    "field.code.mail_hint": "The six digits from the email",
    "field.code.app_hint": "The six digits that your app shows now",
    # what a password must be
    "password.length": "At least {count} characters",
    "password.kinds": "At least {count} characters, with {kinds}",
    "password.lower": "a small letter",
    "password.upper": "a capital letter",
    "password.digit": "a digit",
    "password.symbol": "a symbol",
    "list.comma": ", ",
    "list.and": " and ",
    # log in
    "login.title": "Log in",
    "login.submit": "Log in",
    "login.forgot": "Forgot your password?",
    "login.no_account": "New here?",
    "login.sign_up": "Create an account",
    # sign up
    "signup.title": "Create an account",
    "signup.submit": "Create account",
    "signup.have_account": "Have an account already?",
    "signup.login": "Log in",
    # confirm
    "confirm.title": "Check your email",
    "confirm.sent": "We sent a code to {destination}. Enter it here to finish your account.",
    "confirm.lead": "Enter the code that we sent you to finish your account.",
    "confirm.submit": "Confirm account",
    "confirm.resend": "Send a new code",
    "confirm.nothing_came": "Nothing there? Look into the spam folder, too.",
    # a new code
    "resend.title": "Send a new code",
    "resend.lead": "If an account waits to be confirmed, a new code is sent to it. Earlier codes end.",
    "resend.submit": "Send code",
    # forgotten password
    "forgot.title": "Reset your password",
    "forgot.lead": "Tell us who you are, and we send a code to the address of your account.",
    "forgot.submit": "Send code",
    "reset.title": "Choose a new password",
    "reset.lead": "If there is such an account, a code is on its way to it. It is good for an hour.",
    "reset.submit": "Save password",
    "reset.resend": "Send another code",
    # second factor
    "mfa.title": "Confirm that it is you",
    "mfa.app": "Open your authenticator app and enter its code for {device}.",
    "mfa.app_unnamed": "Open your authenticator app and enter its code.",
    "mfa.mailed": "We sent a code to {destination}. Enter it here.",
    "mfa.resend_lead": "Another code is sent to the same address. Earlier codes end.",
    "mfa.select": "How do you want to confirm it?",
    "mfa.by_app": "With the code of my authenticator app",
    "mfa.by_email": "With a code by email",
    "mfa.submit": "Continue",
    "setup.title": "Set up an authenticator app",
    "setup.lead": "This account asks for a second step when you log in: a code from an app on your phone.",
    "setup.step_app": "Install an authenticator app, if you have none.",
    "setup.step_scan": "Scan this picture with it.",
    "setup.step_type": "Or enter this key by hand:",
    "setup.step_code": "Enter the code that the app shows.",
    "setup.qr": "QR code with the key that is written below",
    "setup.link": "Open an app on this device",
    "setup.device": "Name of the device",
    "setup.device_hint": "So that you know which app to open, as in “My phone”",
    "setup.submit": "Finish",
    "setup.mail_title": "Set up codes by email",
    "setup.mail_lead": "This account asks for a second step when you log in: a code that we send to your address.",
    "setup.by_mail": "Get codes by email instead",
    # a password that somebody else has set
    "new_password.title": "Choose a new password",
    "new_password.lead": "The password that you came with was for the first time only.",
    "new_password.submit": "Save and continue",
    # ways on
    "back.login": "Back to log in",
    # logged out
    "logged_out.title": "You are logged out",
    "logged_out.lead": "You can close this window.",
    # a page that cannot be shown
    "error.title": "This did not work",
    "error.lead": "Go back to the application that you came from and try again.",
    "error.cross_site": "This form was sent from another site, so nothing was done.",
    "error.no_sign_up": "Accounts are not created here. Ask whoever runs the application.",
    # notices
    "notice.confirmed": "Your account is confirmed. Log in to continue.",
    "notice.created": "Your account is ready. Log in to continue.",
    "notice.reset": "Your password is changed. Log in with the new one.",
    "notice.code_resent": "A new code is on its way.",
    "notice.resent": "If an account waits to be confirmed, a new code is on its way.",
    "notice.unconfirmed": "This account is not confirmed yet. Enter the code from our email, or ask for a new one.",
    # problems
    "problem.again": "This page was open for too long. Please try again.",
    "problem.cookies": "Your browser sent no cookie. Allow cookies for this site, then try again.",
    "problem.expired": "That took too long, or was done already. Please log in again.",
    "problem.missing": "Fill this in.",
    "problem.refused": "The name or the password is wrong.",
    "problem.locked": "Too many wrong passwords. Wait a little, or reset your password.",
    "problem.must_reset": "Your password must be reset before you can log in.",
    "problem.email": "This is not an email address, as in name@example.com.",
    "problem.phone_number": "This is not a phone number with its country code.",
    "problem.username": "This cannot be a name here. Choose another one.",
    "problem.policy": "The password is too weak. {rule}.",
    "problem.repeat": "The two passwords differ.",
    "problem.code": "The code is wrong.",
    "problem.code_expired": "The code does not count any more. Ask for a new one.",
    "problem.too_many": "Too many tries. Wait a little, then try again.",
    "problem.taken": "Somebody else has an account with this address.",
    "problem.invalid": "Something in the form is not right.",
    "problem.unavailable": "We cannot answer just now. Try again in a moment.",
    "problem.taken_name": "Somebody else has an account with this name or address.",
    "problem.said": "{said}",
    "problem.other": "Something went wrong on our side. Please try again.",
}

BY_LANGUAGE: Mapping[str, Mapping[str, str]] = {"en": ENGLISH}
FALLBACK = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """One language. :param language: for ``<html lang>``, BCP 47."""

    language: str
    by_key: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        return self.by_key[key].format(**values)

    def listed(self, words: Iterable[str]) -> str:
        """``a, b and c``"""
        *first, last = words
        return self("list.and").join([self("list.comma").join(first), last]) if first else last


def choose(wanted: Iterable[str]) -> Texts:
    """The first language that we speak. :param wanted: BCP 47 tags, best first."""
    for tag in wanted:
        language = tag.lower().partition("-")[0]
        if language in BY_LANGUAGE:
            return Texts(language=language, by_key=BY_LANGUAGE[language])
    return Texts(language=FALLBACK, by_key=BY_LANGUAGE[FALLBACK])
