"""What a pool's forms ask for, and whether what was typed has its form. Pure."""

import re
from collections.abc import Mapping
from typing import get_args

from auth.pages.problem import Problem
from auth.pages.texts import Texts
from auth.pool import CharacterKind, Pool, SignInName

_NAMES: tuple[SignInName, ...] = get_args(SignInName)
_KINDS: tuple[CharacterKind, ...] = get_args(CharacterKind)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_PHONE = re.compile(r"\+[0-9]{6,15}")
_PHONE_MARKS = re.compile(r"[\s().-]")


def name_label(pool: Pool, texts: Texts) -> str:
    """What to type to log in, as ``User name or email address``."""
    return texts(".".join(["name", *(name for name in _NAMES if name in pool.sign_in_with)]))


def name_type(pool: Pool) -> str:
    """Of the ``<input>``, so that a phone shows the keys for it."""
    return {frozenset({"email"}): "email", frozenset({"phone"}): "tel"}.get(pool.sign_in_with, "text")


def password_rule(pool: Pool, texts: Texts) -> str:
    policy = pool.password
    kinds = [texts(f"password.{kind}") for kind in _KINDS if kind in policy.require]
    if not kinds:
        return texts("password.length", count=policy.min_length)
    return texts("password.kinds", count=policy.min_length, kinds=texts.listed(kinds))


def sign_up_fields(pool: Pool) -> tuple[str, ...]:
    """An address always: it is where the code goes."""
    username = ["username"] if "username" in pool.sign_in_with else []
    phone = ["phone_number"] if "phone" in pool.sign_in_with else []
    return (*username, "email", *phone)


def sign_up_attributes(pool: Pool, form: Mapping[str, str]) -> dict[str, str]:
    """Attributes of the new user by name, from the form's fields."""
    attributes = {"email": form["email"].strip()}
    if "phone" in pool.sign_in_with:
        attributes["phone_number"] = _PHONE_MARKS.sub("", form["phone_number"])
    return attributes


def sign_up_name(pool: Pool, attributes: Mapping[str, str], form: Mapping[str, str]) -> str:
    if "username" in pool.sign_in_with:
        return form["username"].strip()
    return attributes["email"] if "email" in pool.sign_in_with else attributes["phone_number"]


def attribute_problems(attributes: Mapping[str, str]) -> list[Problem]:
    problems = []
    if not _EMAIL.fullmatch(attributes["email"]):
        problems.append(Problem(text="problem.email", field="email"))
    if "phone_number" in attributes and not _PHONE.fullmatch(attributes["phone_number"]):
        problems.append(Problem(text="problem.phone_number", field="phone_number"))
    return problems


def password_problems(form: Mapping[str, str]) -> list[Problem]:
    """Typed twice without being seen: the two must be equal."""
    same = form["password"] == form["repeat"]
    return [] if same else [Problem(text="problem.repeat", field="repeat")]


def bare_code(typed: str) -> str:
    """Mail programs and people put spaces into codes."""
    return "".join(typed.split())
