"""Checks of the ``user_pools:`` section: pools among each other, and what a pool says about itself."""

from pathlib import Path
from typing import Literal

from kit.positioned_yaml import KeyPath, YamlValue
from lockgate.config.checks.clients import check_client
from lockgate.config.checks.places import resolved, why_unreadable
from lockgate.config.checks.references import check_function_name
from lockgate.config.declared import Declared
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.grammar.identity import UserPool
from lockgate.config.pool_ids import client_id, pool_id
from lockgate.config.report import Report

MAX_LOGO_BYTES = 256 * 1024  # it comes with every page that a person sees first
LOGO_ENDINGS = (".svg", ".png", ".jpg", ".jpeg", ".webp")


def check_pools(file: RoutesFile, declared: Declared, report: Report) -> None:
    """Check each pool that the models accepted, and their ids among all."""
    _check_ids(file, report)
    for name, pool in file.user_pools.items():
        path: KeyPath = ("user_pools", name)
        if path in declared.skipped:
            continue
        _check_triggers(pool, declared, (*path, "triggers"), report)
        _check_lists(pool, path, report)
        _check_logo(pool, declared.folder, path, report)
        for client_name, client in pool.clients.items():
            check_client(client, pool, (*path, "clients", client_name), report)
        if pool.self_sign_up and set(pool.sign_in_with) == {"phone"}:
            reason = "nobody could confirm a sign-up: text messages are not sent yet"
            hint = "add email to sign_in_with, or remove self_sign_up"
            report.add("sign-up-without-mail", (*path, "self_sign_up"), reason, hint, at="key")


def _check_ids(file: RoutesFile, report: Report) -> None:
    """Clients name their pool to nobody: their ids tell, and so must differ over all pools."""
    pools: dict[str, str] = {}
    clients: dict[str, str] = {}
    for name, pool in file.user_pools.items():
        path: KeyPath = ("user_pools", name)
        own = pool.id or pool_id(file.region, name)
        _take(own, name, pools, (*path, "id") if pool.id else path, report)
        for client_name, client in pool.clients.items():
            here: KeyPath = (*path, "clients", client_name)
            taken = client.id or client_id(own, client_name)
            _take(taken, f"{name}.{client_name}", clients, (*here, "id") if client.id else here, report)


def _take(own: str, name: str, taken: dict[str, str], path: KeyPath, report: Report) -> None:
    other = taken.setdefault(own, name)
    if other != name:
        at: Literal["key", "value"] = "value" if path[-1] == "id" else "key"
        report.add("duplicate-id", path, f"{other} has the id {own} already", "give it one of its own", at=at)


def _check_triggers(pool: UserPool, declared: Declared, path: KeyPath, report: Report) -> None:
    for name, trigger in pool.triggers.items():
        is_spelled_out = isinstance(_at(declared.value, (*path, name)), dict)
        here: KeyPath = (*path, name, "function") if is_spelled_out else (*path, name)
        check_function_name(trigger.function, declared, here, report)
        if name != "pre_token_generation" and trigger.version != 1:
            reason = f"{name} has one form of event only"
            report.add("wrong-value", (*path, name, "version"), reason, "remove it")


def _at(root: dict[str, YamlValue], path: KeyPath) -> object:
    found: object = root
    for key in path:
        found = found.get(key) if isinstance(found, dict) and isinstance(key, str) else None
    return found


def _check_lists(pool: UserPool, path: KeyPath, report: Report) -> None:
    lists: tuple[tuple[KeyPath, tuple[str, ...]], ...] = (
        (("sign_in_with",), pool.sign_in_with),
        (("groups",), pool.groups),
        (("mfa_methods",), pool.mfa_methods),
        (("first_factors",), pool.first_factors),
        (("password", "require"), pool.password.require),
    )
    for keys, values in lists:
        for index, value in enumerate(values):
            if value in values[:index]:
                reason = f"{value} is in the list already"
                report.add("wrong-value", (*path, *keys, index), reason, "remove it")
    if "openid" in pool.resource_servers:
        reason = "openid is a scope of its own"
        report.add(
            "wrong-name", (*path, "resource_servers", "openid"), reason, "choose another name", at="key"
        )


def _check_logo(pool: UserPool, folder: Path, path: KeyPath, report: Report) -> None:
    if pool.brand.logo is None:
        return
    here: KeyPath = (*path, "brand", "logo")
    place = resolved(folder, pool.brand.logo)
    if not pool.brand.logo.lower().endswith(LOGO_ENDINGS):
        report.add(
            "bad-logo", here, "it is no image that a browser shows", f"one of {', '.join(LOGO_ENDINGS)}"
        )
    elif place is None or not place.is_relative_to(folder.resolve()):
        report.add("bad-logo", here, "the image must lie below the file's folder", "copy it there")
    else:
        _check_image(place, here, report)


def _check_image(place: Path, here: KeyPath, report: Report) -> None:
    why = why_unreadable(place.stat)
    if why is not None or not place.is_file():
        report.add("bad-logo", here, f"there is no such file: {why or 'it is a folder'}")
    elif place.stat().st_size > MAX_LOGO_BYTES:
        reason = f"it has {place.stat().st_size // 1024} KB; {MAX_LOGO_BYTES // 1024} are enough"
        report.add("bad-logo", here, reason, "make it smaller")
