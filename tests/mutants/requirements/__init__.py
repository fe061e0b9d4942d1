"""The table: every [M] requirement of the HTTP edge and of token verification."""

from tests.mutants.requirement import Requirement
from tests.mutants.requirements import http_edge, http_framing, http_routes, tokens

REQUIREMENTS: tuple[Requirement, ...] = (
    *http_framing.REQUIREMENTS,
    *http_edge.REQUIREMENTS,
    *http_routes.REQUIREMENTS,
    *tokens.REQUIREMENTS,
)
