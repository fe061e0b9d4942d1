"""The OCI runtimes that the engine has, for functions with ``sandbox:``. State: their names, as last heard."""

from executor.driver import StartError
from executor.drivers.docker.engine.client import EngineClient

# A shim by its full name is found by containerd on its path when it is used; the engine does not list those.
# Source: docker run, "--runtime".
_SHIM = "io.containerd."


class Sandboxes:
    def __init__(self, engine: EngineClient) -> None:
        self._engine = engine
        self._known: frozenset[str] = frozenset()

    async def check(self, name: str | None) -> None:
        """Whether containers can run under it. :raises StartError: the engine has none. :raises EngineFault:"""
        if name is None or name in self._known or name.startswith(_SHIM):
            return
        self._known = frozenset((await self._engine.info()).get("Runtimes") or ())
        if name not in self._known:
            there = ", ".join(sorted(self._known - {"io.containerd.runtime.v1.linux"}))
            message = (
                f'The engine has no runtime "{name}": it has {there}; others are added in its daemon.json'
            )
            raise StartError(message, permanent=True, error_type="Runtime.InvalidSandbox")
