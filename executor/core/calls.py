"""What callers and runtimes say: an invocation's way from acceptance to its answer."""

from executor.core.endings import fail_init
from executor.core.environment import RESPONDED, RESPONDING, RUNNING, STARTING, Environment, State, StopReason
from executor.core.events import (
    CallerGone,
    DeliveryFailed,
    ErrorPosted,
    InitErrorPosted,
    InvokeArrived,
    NextAsked,
    ResponseEnded,
    ResponseStarted,
)
from executor.core.instructions import (
    Complete,
    MeterStatus,
    Outcome,
    Refuse,
    RefuseReason,
    Reject,
    RejectReason,
)
from executor.core.node import Node
from executor.core.pool import Invocation
from executor.core.turns import is_yielded

RETRY_AFTER_S = 1.0  # of every Reject; Lambda's clients back off by themselves


def invoke_arrived(node: Node, event: InvokeArrived) -> None:
    inv_id = event.inv_id
    if inv_id in node.invocations:
        return None  # the same fact twice
    pool = node.pools.get(event.revision)
    if node.draining:
        return _reject(node, inv_id, RejectReason.DRAINING)
    if pool is None or pool.retired:
        return _reject(node, inv_id, RejectReason.UNKNOWN_REVISION)
    refusal = node.shares.take(pool.share)
    if refusal is not None:
        return _reject(node, inv_id, refusal)
    inv = Invocation(inv_id, pool, node.next_order(), event.queue_deadline, pool.share.reserved is not None)
    env = node.take_idle(pool)
    if env is not None:
        node.invocations[inv_id] = inv
        node.deliver(env, inv)
    elif node.now < pool.circuit_until and not pool.alive:
        node.shares.release(pool.share, inv.leased)
        node.out.append(Complete(inv_id, Outcome.FUNCTION_ERROR, pool.last_error))
    elif len(pool.queue) >= pool.limits.max_queue:
        node.shares.release(pool.share, inv.leased)
        _reject(node, inv_id, RejectReason.QUEUE_FULL)
    else:
        node.invocations[inv_id] = inv
        node.enqueue(inv)
    return None


def _reject(node: Node, inv_id: str, reason: RejectReason) -> None:
    node.out.append(Reject(inv_id, reason, RETRY_AFTER_S))


def caller_gone(node: Node, event: CallerGone) -> None:
    inv = node.invocations.get(event.inv_id)
    if inv is not None and inv.id in inv.pool.queue:
        node.answer_queued(inv, Outcome.CANCELLED)


def next_asked(node: Node, event: NextAsked) -> None:
    env = node.environments.get(event.env)
    if env is None:
        _refuse(node, event.env, RefuseReason.UNKNOWN_ENVIRONMENT)
    elif env.state is RESPONDED:
        node.meter(env, env.status)
        max_uses = env.pool.limits.max_uses
        if env.retire_at <= node.now or (max_uses is not None and env.uses >= max_uses):
            node.stop(env, StopReason.WORN)
        elif env.yields and is_yielded(node, env):
            node.stop(env, StopReason.EVICTED)
        else:
            node.rest(env)
    elif env.state is STARTING:
        env.pool.clear_failures()
        env.become_ready(node.now)
        node.end_start(env)
        node.rest(env)
        node.dirty[env.pool] = None
    else:
        _refuse(node, event.env, RefuseReason.INVALID_STATE)


def response_started(node: Node, event: ResponseStarted) -> None:
    env = _answering(node, event.env, event.inv_id, RUNNING)
    if env is not None:
        node.enter(env, RESPONDING)


def response_ended(node: Node, event: ResponseEnded) -> None:
    inv_id = event.inv_id
    env = _answering(node, event.env, inv_id, RESPONDING)
    if env is None:
        return
    node.enter(env, RESPONDED)
    if event.ok:
        env.status = MeterStatus.SUCCESS
        node.out.append(Complete(inv_id, Outcome.SUCCESS))
    else:
        node.out.append(Complete(inv_id, Outcome.TRUNCATED))


def error_posted(node: Node, event: ErrorPosted) -> None:
    env = _answering(node, event.env, event.inv_id, RUNNING)
    if env is not None:
        node.enter(env, RESPONDED)
        node.out.append(Complete(event.inv_id, Outcome.FUNCTION_ERROR, event.error))


def _refuse(node: Node, number: int, why: RefuseReason) -> None:
    node.out.append(Refuse(number, why))


def _answering(node: Node, number: int, inv_id: str, state: State) -> Environment | None:
    """The environment, if it holds that invocation in that state; else it is refused."""
    env = node.environments.get(number)
    if env is None:
        _refuse(node, number, RefuseReason.UNKNOWN_ENVIRONMENT)
    elif env.inv is None or env.inv.id != inv_id:
        _refuse(node, number, RefuseReason.INVALID_REQUEST_ID)
    elif env.state is not state:
        _refuse(node, number, RefuseReason.INVALID_STATE)
    else:
        return env
    return None


def init_error_posted(node: Node, event: InitErrorPosted) -> None:
    env = node.environments.get(event.env)
    if env is None:
        _refuse(node, event.env, RefuseReason.UNKNOWN_ENVIRONMENT)
    elif env.state is STARTING:
        fail_init(node, env, event.error)
    else:
        _refuse(node, event.env, RefuseReason.INVALID_STATE)


def delivery_failed(node: Node, event: DeliveryFailed) -> None:
    """Not a byte of the event was written, so another environment may have it: the only retry there is."""
    env = node.environments.get(event.env)
    if env is not None and env.state is RUNNING and env.inv is not None and env.inv.id == event.inv_id:
        inv, env.inv = env.inv, None
        node.requeue(inv)
        node.kill(env, StopReason.UNDELIVERED)
