"""The table: every [M] requirement of the HTTP edge and of token verification."""

from tests.mutants.requirement import Requirement
from tests.mutants.requirements import http_framing

REQUIREMENTS: tuple[Requirement, ...] = (*http_framing.REQUIREMENTS,)
