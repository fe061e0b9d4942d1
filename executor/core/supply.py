"""What the driver, the engine, the catalog and the shell say: environments and pools come and go."""

from executor.core.endings import exit_environment, fail_init, lose_environment
from executor.core.environment import STARTING, StopReason
from executor.core.events import (
    EngineListed,
    EnvironmentExited,
    EnvironmentGone,
    EnvironmentStarted,
    LimitsChanged,
    RevisionAdded,
    RevisionRetired,
    ShutdownBegan,
    StartFailed,
)
from executor.core.instructions import ClosePool, Phase, StopEnvironment
from executor.core.node import Node


def environment_started(node: Node, event: EnvironmentStarted) -> None:
    """It exists: the time for making it ends, the time for its init begins."""
    env = node.environments.get(event.env)
    if env is None or env.has_begun:
        return
    env.begin(node.now, node.now if event.at is None else min(event.at, node.now))
    if env.state is STARTING:
        limits = env.pool.limits
        init_s = limits.timeout_s if env.phase is Phase.INVOKE else limits.init_timeout_s
        node.deadlines.arm(env, node.now + init_s)


def start_failed(node: Node, event: StartFailed) -> None:
    env = node.environments.get(event.env)
    if env is None:
        return
    if env.state is STARTING:
        fail_init(node, env, event.error, permanent=event.permanent)
    else:
        exit_environment(node, env, event.error)  # it asked `next`, and then the driver gave it up


def environment_exited(node: Node, event: EnvironmentExited) -> None:
    env = node.environments.get(event.env)
    if env is not None:
        exit_environment(node, env, event.error)


def environment_gone(node: Node, event: EnvironmentGone) -> None:
    env = node.environments.get(event.env)
    if env is not None:
        lose_environment(node, env)


def engine_listed(node: Node, event: EngineListed) -> None:
    """Reconcile with the engine: drop what it lost, stop what nobody knows.

    Age counts from when an environment was known to exist. Counted from when it was asked for, one that the
    engine takes seconds to make would be taken for lost while it is made.
    """
    listed = event.envs
    lost = [
        env
        for env in node.environments.values()
        if env.exists_at < event.asked_at and env.number not in listed
    ]
    for env in lost:
        lose_environment(node, env)
    for number in sorted(listed):
        if number not in node.environments:
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
        pool.retired = True
        node.dirty[pool] = None


def shutdown_began(node: Node, event: ShutdownBegan) -> None:
    """Nothing new is accepted; the rest has until the deadline. A second call can only shorten it."""
    node.draining = True
    for pool in node.pools.values():
        pool.retired = True
        node.dirty[pool] = None
    node.deadlines.arm(node.drain, min(event.deadline, node.drain.deadline))
