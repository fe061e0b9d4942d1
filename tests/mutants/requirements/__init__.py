"""The table: every requirement that must be met, by what it is about."""

from tests.mutants.requirement import Requirement
from tests.mutants.requirements import (
    accounts,
    authorization,
    container_network,
    container_profile,
    environments,
    grants,
    http_edge,
    http_framing,
    http_origins,
    http_routes,
    issuers,
    login_pages,
    operators,
    packages,
    processes,
    races,
    srp,
    tokens,
)

_PARTS = (
    *(tokens, issuers, http_framing, http_edge, http_origins, http_routes),
    *(container_profile, container_network, environments, packages, processes),
    *(authorization, grants, login_pages, accounts, srp, operators, races),
)
REQUIREMENTS: tuple[Requirement, ...] = tuple(row for part in _PARTS for row in part.REQUIREMENTS)
