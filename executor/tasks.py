"""How a task that makes something is ended before what it makes is removed."""

import asyncio

# It is waited for so long, and cancelled then: the driver may hang in it.
START_PATIENCE_S = 5.0


async def end_task(task: "asyncio.Task[None] | None") -> None:
    """Let a task that is under way end. :raises TimeoutError: not even cancelling ends it."""
    if task is None or task.done():
        return
    await asyncio.wait([task], timeout=START_PATIENCE_S)
    if not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=START_PATIENCE_S)
    if not task.done():
        raise TimeoutError("its start does not end")
