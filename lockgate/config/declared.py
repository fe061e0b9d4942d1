"""What a file declares by name, also where the models refuse it: a broken function is no unknown one."""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path

from kit.positioned_yaml import KeyPath, YamlValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """:param skipped: entries (section, name) that had to be left out of the models."""

    value: dict[str, YamlValue]
    folder: Path
    skipped: Set[KeyPath]

    def names(self, section: str) -> tuple[str, ...]:
        return tuple(self._section(section))

    def is_readable(self, section: str) -> bool:
        """Whether the section is absent or a mapping, so that `names` is all there is."""
        return isinstance(self.value.get(section, {}), dict)

    def unused_functions(self) -> Iterator[str]:
        """Functions that no route, authorizer, trigger or `server.mail` names, in the file's order."""
        used = [entry.get("function") for entry in self._entries("routes", "authorizers")]
        for pool in self._entries("user_pools"):
            triggers = pool.get("triggers")
            for trigger in triggers.values() if isinstance(triggers, dict) else ():
                used.append(trigger.get("function") if isinstance(trigger, dict) else trigger)
        mail = self._section("server").get("mail")
        used.append(mail.get("function") if isinstance(mail, dict) else None)
        names = {name for name in used if isinstance(name, str)}
        return (name for name in self.names("functions") if name not in names)

    def unused_authorizers(self) -> Iterator[str]:
        """Authorizers that no route names, in the file's order."""
        used = {auth for entry in self._entries("routes") if isinstance(auth := entry.get("auth"), str)}
        return (name for name in self.names("authorizers") if name not in used)

    def _section(self, section: str) -> dict[str, YamlValue]:
        entries = self.value.get(section)
        return entries if isinstance(entries, dict) else {}

    def _entries(self, *sections: str) -> Iterator[dict[str, YamlValue]]:
        for section in sections:
            for entry in self._section(section).values():
                if isinstance(entry, dict):
                    yield entry
