"""What it answers when an environment ends before its time: at init, at work, or unseen."""

from executor.core.environment import RESPONDED, RUNNING, STARTING, STOPPING, Environment, StopReason
from executor.core.instructions import Complete, MeterStatus, Outcome, Phase, PlatformFault
from executor.core.node import Node
from executor.core.pool import Invocation
from executor.core.stock import blame


def fail_init(node: Node, env: Environment, error: object, *, permanent: bool = False) -> None:
    """A start led to nothing.

    Each failure answers one invocation, so that ten waiting ones cost ten answers and not ten circuits; from
    the third in a row it answers all that waited when the start began, and nothing starts for a while.
    """
    pool = env.pool
    pool.count_failure(error, permanent=permanent)
    waiting = pool.waiting_for(env)
    seconds = pool.circuit_s()
    if seconds:
        node.open_circuit(pool, seconds)
    else:
        del waiting[1:]
    _give_up(node, env, waiting, error)


def fail_late_start(node: Node, env: Environment, error: object) -> None:
    """It was not made in time: the machine or its engine is slow or gone, which is no word on the function.

    It answers one invocation and opens no circuit: when the engine is back, what waits is served at once.
    """
    pool = env.pool
    pool.count_late_start(error)
    _give_up(node, env, pool.waiting_for(env)[:1], error)


def _give_up(node: Node, env: Environment, waiting: list[Invocation], error: object) -> None:
    for inv in waiting:
        node.answer_queued(inv, Outcome.FUNCTION_ERROR, error)
    node.kill(env, StopReason.INIT_FAILED)


def fail_start(
    node: Node, env: Environment, error: object, *, permanent: bool = False, lost: bool = False
) -> None:
    """It could not be made, or it ended before its first `next`.

    What goes wrong before anything of the function ran in a slot is the slot's fault: it answers nobody. The
    pool starts anew without slots, and that start's failure is one like any other. Nor does it answer anybody
    when somebody killed it: only when that happens again and again is the function taken for the reason.
    """
    pool = env.pool
    if env.slot is not None and not env.has_begun and not permanent:
        pool.direct_only = True
        blame(node, env.slot.shape)
    elif not (lost and pool.forgives(env, node.next_order())):
        fail_init(node, env, error, permanent=permanent)
        return
    if env.phase is Phase.INVOKE:
        pool.reinits += 1
    node.kill(env, StopReason.INIT_FAILED)


def fail_slow_init(node: Node, env: Environment) -> None:
    """Init took too long: run it once more with the invocation, under the function's timeout.

    So nobody who waits fails at the first time-out.
    Source: Lambda Developer Guide, "Lambda execution environment", suppressed init.
    """
    pool = env.pool
    if env.phase is Phase.INVOKE:
        fail_init(node, env, PlatformFault.TIMED_OUT)
    elif not pool.queue:
        fail_init(node, env, PlatformFault.INIT_TIMED_OUT)
    else:
        pool.reinits += 1
        node.kill(env, StopReason.INIT_TIMED_OUT)


def cut_off(node: Node, env: Environment, error: object, status: MeterStatus) -> None:
    """End an occupation from outside; the caller then stops the environment.

    Once the head of an answer is there, parts of it may be with the client: the outcome is Truncated then and
    `error` is its detail. An invocation that is answered already is only metered.
    """
    inv = env.inv
    if inv is None:
        return
    if env.state is not RESPONDED:
        outcome = Outcome.FUNCTION_ERROR if env.state is RUNNING else Outcome.TRUNCATED
        node.out.append(Complete(inv.id, outcome, error))
    node.meter(env, status)


def exit_environment(node: Node, env: Environment, error: object, *, lost: bool = False) -> None:
    """Its process is gone; what it left is still to be removed."""
    if env.state is STARTING:
        fail_start(node, env, error, lost=lost)
    elif env.state is not STOPPING:
        cut_off(node, env, error, env.status)
        node.kill(env, StopReason.EXITED)


def lose_environment(node: Node, env: Environment) -> None:
    """It does not exist any more: its room is free at once."""
    if env.state is STARTING:
        fail_start(node, env, PlatformFault.VANISHED)
    elif env.state is not STOPPING:
        cut_off(node, env, PlatformFault.VANISHED, env.status)
        node.kill(env, StopReason.VANISHED)
    node.remove(env)


def end_drain(node: Node) -> None:
    """The drain deadline has passed: everyone is answered, everything is stopped."""
    for pool in node.pools.values():
        for inv in tuple(pool.queue.values()):
            node.answer_queued(inv, Outcome.SHUTTING_DOWN)
    for env in node.environments.values():
        if env.state is STOPPING:
            continue
        if env.inv is not None:
            if env.state is not RESPONDED:
                node.out.append(Complete(env.inv.id, Outcome.SHUTTING_DOWN))
            node.meter(env, env.status)
        node.stop(env, StopReason.SHUTDOWN)
