"""The table: every requirement that must be met of the HTTP edge and of token verification."""

from tests.mutants.requirement import Requirement
from tests.mutants.requirements import http_edge, http_framing, http_origins, http_routes, issuers, tokens

_PARTS = (tokens, issuers, http_framing, http_edge, http_origins, http_routes)
REQUIREMENTS: tuple[Requirement, ...] = tuple(row for part in _PARTS for row in part.REQUIREMENTS)
