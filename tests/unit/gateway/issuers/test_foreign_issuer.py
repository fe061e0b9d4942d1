"""Keys of an issuer that others wrote: npm's oidc-provider."""

import asyncio
import base64
import json
from collections.abc import Iterator

import pytest

from gateway.authorizers.jwt.spec import IssuerSpec
from gateway.issuers.issuer import Issuers
from kit.fetch import Fetcher
from tests.support.foreign_issuer import ForeignIssuer, foreign_issuer


@pytest.fixture(scope="module")
def provider() -> Iterator[ForeignIssuer]:
    with foreign_issuer() as running:
        yield running


def _kid(token: str) -> str:
    header = token.split(".")[0]
    kid: str = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]
    return kid


async def test_a_token_of_it_names_a_key_that_is_found_also_after_a_rotation(provider: ForeignIssuer) -> None:
    issuers = Issuers(fetcher=Fetcher())
    keys = issuers.open(IssuerSpec(issuer=provider.issuer))
    old = _kid(await asyncio.to_thread(provider.token, "notes/read"))
    assert await keys.find(old)
    await asyncio.to_thread(provider.rotate)
    new = _kid(await asyncio.to_thread(provider.token, "notes/read"))
    assert new != old
    assert keys.get(new) is None
    assert await keys.find(new)
    assert keys.get(old)
    assert keys.generation == 0
    await issuers.aclose()
