"""The public part of the server: what a client from outside meets. It runs no function and holds no engine."""

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from gateway.app import Gateway
from gateway.issuers.events import IssuerEvent
from gateway.issuers.issuer import Issuers
from gateway.issuers.metrics import IssuerMetrics
from gateway.metrics import GatewayMetrics
from gateway.services import Services
from kit.edge_limits import EdgeLimits
from kit.forwarded import ProxyTrust
from kit.json_log import Level
from kit.listener import Listener
from kit.names import Names
from kit.tls import TlsContext
from lockgate.console import Console
from lockgate.door import WHOLE, Share
from lockgate.front import LocalFront, Serving
from lockgate.listeners import AUTH_BODY_BYTES
from lockgate.tls import reread_tls

if TYPE_CHECKING:  # who has no user pools has nothing of them in memory
    from lockgate.parts.identity import IdentityPart

ISSUER_TROUBLE = frozenset({"keys_failed", "key_ignored", "keys_expired", "key_cache_failed"})


class PublicPart:
    """Gateway, issuers and what they keep. `open` it, then let `front` prepare and commit the first generation.

    :param tls: of the public listener. :param state: where issuers' keys are kept; None: nowhere.
    :param forbidden_ports: of listeners that no issuer may lead to, because nobody but the operator may call them.
    :param identity: serves the user pools; None: there are none. It is opened and closed by who made it.
    """

    def __init__(
        self,
        *,
        names: Names,
        console: Console,
        registry: CollectorRegistry,
        tls: TlsContext | None,
        state: Path | None,
        forbidden_ports: Collection[int],
        share: Share = WHOLE,
        identity: "IdentityPart | None" = None,
    ) -> None:
        self._console = console
        self._metrics = GatewayMetrics(registry)
        self.tls = tls
        self.identity = identity
        self._issuers = Issuers(
            state=state,
            pools=None if identity is None else identity.feed,
            forbidden_ports=frozenset(forbidden_ports),
            on_event=self._issuer_event,
        )
        IssuerMetrics(registry, self._issuers.snapshot)
        self.listener: Listener | None = None
        self.auth_listener: Listener | None = None
        self.front = LocalFront(
            Services(self._issuers),
            names=names,
            metrics=self._metrics,
            make_gateway=self._make_gateway,
            reread=lambda: reread_tls(self.tls),
            begun=self._begin,
            share=share,
            beside=identity,
        )

    def open(self) -> None:
        self._issuers.start()

    async def close(self) -> None:
        await self._issuers.aclose()

    @property
    def limits(self) -> EdgeLimits:
        """Of the listener."""
        return EdgeLimits(trusted_proxies=self.front.serving.file.server.trusted_networks)

    @property
    def apps(self) -> dict[str, tuple[ASGIApp, EdgeLimits]]:
        """What answers on the public listeners, by name, and within which limits."""
        apps: dict[str, tuple[ASGIApp, EdgeLimits]] = {"gateway": (self.app, self.limits)}
        if self.identity is not None:
            apps["auth"] = (self.identity.app, replace(self.limits, body_bytes=AUTH_BODY_BYTES))
        return apps

    def listen_on(self, listeners: Mapping[str, Listener]) -> None:
        """Which of *listeners* are the public ones: they learn whom to trust with each generation."""
        self.listener = listeners.get("gateway")
        self.auth_listener = listeners.get("auth")

    @property
    def listening(self) -> tuple[Listener, ...]:
        """The public listeners, once they are there."""
        return tuple(each for each in (self.listener, self.auth_listener) if each is not None)

    @property
    def app(self) -> ASGIApp:
        return self.front.gateway

    def _make_gateway(self, serving: Serving) -> Gateway:
        entropy: Callable[[int], bytes] = Random(os.urandom(32)).randbytes  # noqa: S311  # ids are unique, not secret
        return Gateway(serving.deployment, sink=self._console.access, metrics=self._metrics, entropy=entropy)

    def _begin(self, serving: Serving) -> None:
        """Take in what a generation brings beside its deployment."""
        networks = serving.file.server.trusted_networks
        self.front.gateway.trust = ProxyTrust(networks)
        for listener in self.listening:
            listener.trust(networks)
        self._warn_of_tls()

    def _warn_of_tls(self) -> None:
        for warning in () if self.tls is None else self.tls.warnings:
            self._console.warn(f"TLS: {warning}.")

    def _issuer_event(self, kind: IssuerEvent, issuer: str, detail: str) -> None:
        level: Level = "warning" if kind in ISSUER_TROUBLE else "info"
        self._console.event(kind, level=level, issuer=issuer, message=detail)
