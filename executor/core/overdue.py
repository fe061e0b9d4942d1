"""What happens when a deadline passes, by what it was the deadline of."""

from math import inf

from executor.core.endings import cut_off, end_drain, fail_late_start, fail_slow_init, fail_start
from executor.core.environment import IDLE, STARTING, STOPPING, Environment, StopReason
from executor.core.instructions import MeterStatus, Outcome, PlatformFault
from executor.core.node import Node
from executor.core.pool import Invocation, Pool
from executor.core.slots import DROPPING, Shape, Slot
from executor.core.stock import drop_again, lose, shape_due
from executor.core.turns import give_turn

SHORTEST_IDLE_S = 1.0  # a provisioned environment with `idle_timeout_s` 0 must not wake the timer for ever


def run_overdue(node: Node) -> None:
    now = node.now
    for item in node.deadlines.due(now):
        if item.deadline > now:
            continue  # what was due before it has settled it
        if isinstance(item, Environment):
            _overdue_environment(node, item)
        elif isinstance(item, Invocation):
            node.answer_queued(item, Outcome.QUEUE_TIMEOUT)
        elif isinstance(item, Pool):
            item.deadline = inf  # its circuit may be probed now: settle does it
            node.dirty[item] = None
        elif isinstance(item, Slot):
            _overdue_slot(node, item)
        elif isinstance(item, Shape):
            shape_due(node, item)
        elif item is node.turn:
            give_turn(node)
        else:
            item.deadline = inf
            end_drain(node)


def _overdue_slot(node: Node, slot: Slot) -> None:
    if slot.state is DROPPING:
        drop_again(node, slot)
    else:
        lose(node, slot)


def _overdue_environment(node: Node, env: Environment) -> None:
    if env.state is STARTING:
        if env.has_begun:
            fail_slow_init(node, env)
        elif env.slot is not None:
            fail_start(node, env, PlatformFault.START_TIMED_OUT)
        else:
            fail_late_start(node, env, PlatformFault.START_TIMED_OUT)
    elif env.state is IDLE:
        _overdue_idle(node, env)
    elif env.state is STOPPING:
        node.stop_again(env)
    else:
        cut_off(node, env, PlatformFault.TIMED_OUT, MeterStatus.TIMEOUT)
        node.kill(env, StopReason.TIMED_OUT)


def _overdue_idle(node: Node, env: Environment) -> None:
    pool = env.pool
    if env.retire_at <= node.now:
        node.stop(env, StopReason.WORN)
    elif pool.alive > pool.kept_warm:
        node.stop(env, StopReason.IDLE)
    else:
        again = node.now + max(pool.limits.idle_timeout_s, SHORTEST_IDLE_S)
        node.deadlines.arm(env, min(again, env.retire_at))
