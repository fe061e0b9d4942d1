"""One generation of everything that a routes file asks for, and how it is compared with the one before."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from executor.catalog import Generation
from gateway.integrations.respond import RespondTarget
from gateway.route_spec import RouteSpec
from lockgate.changes import Snapshot
from lockgate.config.grammar.file import RoutesFile
from lockgate.route_specs import route_specs


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What requests run on. :param number: 1 at start, one more with each reload.

    :param data: the file's bytes, from which other processes are told what to serve.
    """

    number: int
    file: RoutesFile
    snapshot: Snapshot
    functions: Generation
    data: bytes = field(default=b"", repr=False)

    @property
    def digests(self) -> Mapping[str, str]:
        return {name: revision.digest for name, revision in self.functions.revisions.items()}

    @property
    def invoker(self) -> Generation:
        return self.functions


def snapshot_of(file: RoutesFile, functions: Generation) -> Snapshot:
    """Reads the files of ``respond:`` routes, because another content is another answer."""
    server: Mapping[str, object] = dict(file.server)
    sections: dict[str, object] = {
        "region": file.region,
        "account_id": file.account_id,
        "stages": file.declared_stages,
        "cors": file.cors,
        **{f"server.{name}": value for name, value in server.items() if name != "limits"},
        **{f"server.limits.{name}": value for name, value in file.server.limits},
    }
    routes = {spec.key.text: (spec, _content(spec)) for spec in route_specs(file)}
    return Snapshot(routes=routes, revisions=functions.revisions, sections=sections)


def _content(spec: RouteSpec) -> str:
    if not isinstance(spec.target, RespondTarget) or spec.target.file is None:
        return ""
    try:
        return hashlib.sha256(spec.target.file.read_bytes()).hexdigest()
    except OSError:
        return ""  # building the route says why
