"""What can only go wrong between the check and the start ends as an explained mistake, not as a traceback."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from gateway.issuers.issuer import Issuers
from gateway.locator import SingleLocator
from gateway.metrics import GatewayMetrics
from gateway.services import Services
from kit.names import Names
from lockgate.build import deployment_of
from lockgate.config.loader import load_bytes
from lockgate.errors import ConfigurationError
from tests.support.lambda_api import FakeInvoker

TEXT = b"version: 1\nroutes:\n  GET /page: {public: true, respond: {file: page.html}}\n"
NAMES = Names(account="000000000000", region="us-east-1", instance="aabbccdd", epoch=1)


def test_a_file_that_vanished_since_the_check_is_named(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>")
    file = load_bytes(TEXT, tmp_path / "routes.yaml", {}).file
    assert file is not None
    (tmp_path / "page.html").unlink()
    locator, metrics = SingleLocator(FakeInvoker()), GatewayMetrics(CollectorRegistry())
    with pytest.raises(ConfigurationError, match=r"GET /page.*page\.html"):
        deployment_of(file, NAMES, locator=locator, metrics=metrics, services=Services(Issuers()))
