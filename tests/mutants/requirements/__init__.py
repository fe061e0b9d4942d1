"""The table: every requirement that must be met, by what it is about."""

from tests.mutants.requirement import Requirement
from tests.mutants.requirements import (
    container_network,
    container_profile,
    environments,
    http_edge,
    http_framing,
    http_origins,
    http_routes,
    issuers,
    packages,
    processes,
    tokens,
)

_PARTS = (
    *(tokens, issuers, http_framing, http_edge, http_origins, http_routes),
    *(container_profile, container_network, environments, packages, processes),
)
REQUIREMENTS: tuple[Requirement, ...] = tuple(row for part in _PARTS for row in part.REQUIREMENTS)
