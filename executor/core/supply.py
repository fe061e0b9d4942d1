"""What the driver, the engine, the catalog and the shell say: environments, slots and pools come and go."""

from executor.core.endings import exit_environment, fail_start, lose_environment
from executor.core.environment import PROVISIONED_INIT_S, STARTING, Environment, StopReason
from executor.core.events import (
    EngineListed,
    EnvironmentExited,
    EnvironmentGone,
    EnvironmentStarted,
    LimitsChanged,
    RevisionAdded,
    RevisionRetired,
    ShutdownBegan,
    SlotFailed,
    SlotGone,
    SlotReady,
    StartFailed,
)
from executor.core.instructions import ClosePool, Phase, Refuse, RefuseReason, StopEnvironment
from executor.core.node import Node
from executor.core.slots import DROPPING, FILLING
from executor.core.stock import forget, lose, make_ready, trust


def environment_started(node: Node, event: EnvironmentStarted) -> None:
    """It exists: the time for making it ends, the time for its init begins."""
    env = node.environments.get(event.env)
    if env is None or env.has_begun:
        return
    env.begin(node.now, node.now if event.at is None else min(event.at, node.now))
    if env.slot is not None:
        trust(env.slot.shape)
    if env.state is STARTING:
        node.deadlines.arm(env, node.now + init_limit_s(env))


def init_limit_s(env: Environment) -> float:
    """What its init may take. Source: Lambda Developer Guide, "Lambda execution environment", Init phase."""
    limits = env.pool.limits
    if env.phase is Phase.INVOKE:
        return limits.timeout_s
    if env.provisioned:
        return max(PROVISIONED_INIT_S, limits.timeout_s)
    return limits.init_timeout_s


def start_failed(node: Node, event: StartFailed) -> None:
    env = node.environments.get(event.env)
    if env is None:
        return
    if env.state is STARTING:
        fail_start(node, env, event.error, permanent=event.permanent)
    else:
        exit_environment(node, env, event.error)  # it asked `next`, and then the driver gave it up


def environment_exited(node: Node, event: EnvironmentExited) -> None:
    env = node.environments.get(event.env)
    if env is not None:
        exit_environment(node, env, event.error, lost=event.lost)


def environment_gone(node: Node, event: EnvironmentGone) -> None:
    env = node.environments.get(event.env)
    if env is not None:
        lose_environment(node, env)


def slot_ready(node: Node, event: SlotReady) -> None:
    slot = node.stock.slots.get(event.slot)
    if slot is not None and slot.state is FILLING:
        make_ready(node, slot)
        return
    known = node.stock.knows(event.slot) or event.slot in node.environments
    why = RefuseReason.INVALID_STATE if known else RefuseReason.UNKNOWN_ENVIRONMENT
    node.out.append(Refuse(event.slot, why))


def slot_failed(node: Node, event: SlotFailed) -> None:
    slot = node.stock.slots.get(event.slot)
    if slot is not None and slot.state is not DROPPING:
        lose(node, slot)


def slot_gone(node: Node, event: SlotGone) -> None:
    slot = node.stock.slots.get(event.slot)
    if slot is None:
        return
    if slot.state is not DROPPING:
        lose(node, slot)
    forget(node, slot)


def engine_listed(node: Node, event: EngineListed) -> None:
    """Reconcile with the engine: drop what it lost, stop what nobody knows.

    Age counts from when an environment was known to exist. Counted from when it was asked for, one that the
    engine takes seconds to make would be taken for lost while it is made. What was made from a slot may be
    listed under either number: the question may have been on its way when the slot was used.
    """
    listed, stock = event.envs, node.stock
    present = listed | {stock.taken[number].number for number in listed & stock.taken.keys()}
    lost = [
        env
        for env in node.environments.values()
        if env.exists_at < event.asked_at and env.number not in present
    ]
    for env in lost:
        lose_environment(node, env)
    for slot in tuple(stock.slots.values()):
        if slot.exists_at < event.asked_at and slot.number not in listed:
            slot_gone(node, SlotGone(slot.number))
    for number in sorted(listed):
        if number not in node.environments and not stock.knows(number):
            node.out.append(StopEnvironment(number, 0.0, StopReason.ORPHAN))


def revision_added(node: Node, event: RevisionAdded) -> None:
    """Open its pool; a retired one that is still known is served again. While draining nothing opens."""
    pool = node.pools.get(event.revision)
    if pool is not None:
        pool.retired = node.draining
        node.replace_limits(pool, event.limits)
    elif node.draining:
        node.out.append(ClosePool(event.revision))
    else:
        node.open_pool(event.revision, event.limits)


def limits_changed(node: Node, event: LimitsChanged) -> None:
    pool = node.pools.get(event.revision)
    if pool is not None:
        node.replace_limits(pool, event.limits)


def revision_retired(node: Node, event: RevisionRetired) -> None:
    pool = node.pools.get(event.revision)
    if pool is not None:
        node.retire_pool(pool)


def shutdown_began(node: Node, event: ShutdownBegan) -> None:
    """Nothing new is accepted; the rest has until the deadline. A second call can only shorten it."""
    node.draining = True
    for pool in node.pools.values():
        node.retire_pool(pool)
    node.deadlines.arm(node.drain, min(event.deadline, node.drain.deadline))
