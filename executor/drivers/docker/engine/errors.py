"""What a call to the engine can end in. All are `OSError`: who knows nothing of engines can still try again."""


class EngineFault(OSError):
    """The base of them. Its text is for logs; it names paths and containers of this machine."""


class EngineGone(EngineFault):
    """Nobody listens, or the connection broke before the answer was complete."""


class EngineBusy(EngineFault, TimeoutError):
    """No answer within the call's deadline. What was asked for may still happen."""


class EngineError(EngineFault):
    """The engine refused, in its own words. :ivar status: of HTTP."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"the engine answered {status}: {message}")
        self.status = status
        self.message = message


class NotFound(EngineError):
    """There is no such container, image or network (any more)."""


class Conflict(EngineError):
    """The name is taken, or the container is not in a state that allows this."""


def engine_error(status: int, message: str) -> EngineError:
    kinds: dict[int, type[EngineError]] = {404: NotFound, 409: Conflict}
    return kinds.get(status, EngineError)(status, message)
