# a table: one fault a line
"""One-line faults of ``executor/core``. All its tests are run: the tables first, then the state machine."""

from pathlib import Path

from tests.mutants.fault import Fault

_TESTS = "tests/unit/executor/core"
_MACHINE = f"{_TESTS}/test_fleet_machine.py"
_FILES = sorted(
    f"{_TESTS}/{path.name}" for path in (Path(__file__).resolve().parents[2] / _TESTS).glob("test_*.py")
)
TESTS = (*(file for file in _FILES if file != _MACHINE), _MACHINE)


def _fault(name: str, file: str, old: str, new: str) -> Fault:
    return Fault(name, f"executor/core/{file}", old, new, TESTS)


# fmt: off
FAULTS = [
    # Not a fault of the fleet: shows that it is the copy that is tested.
    _fault(
        "canary",
        "fleet.py",
        "from executor.core import calls",
        "raise RuntimeError('canary')\nfrom executor.core import calls",
    ),
    _fault(
        "oldest idle first",
        "node.py",
        "_, env = pool.idle.popitem()",
        "env = pool.idle.pop(next(iter(pool.idle)))",
    ),
    _fault(
        "youngest work first",
        "settle.py",
        "inv = next(iter(pool.queue.values()))",
        "inv = next(reversed(pool.queue.values()))",
    ),
    _fault(
        "idle beside queued work",
        "settle.py",
        "    if pool.queue:\n        _serve(node, pool)",
        "    if False:\n        _serve(node, pool)",
    ),
    _fault("requeue at the end", "node.py", "inv.pool.queue.move_to_end(inv.id, last=False)", "pass"),
    _fault("requeued waits since its arrival", "node.py", "inv.waits_since = self.next_order()", "pass"),
    _fault(
        "queue limit off by one",
        "calls.py",
        "len(pool.queue) >= pool.limits.max_queue",
        "len(pool.queue) > pool.limits.max_queue",
    ),
    _fault(
        "rejected work keeps its share",
        "calls.py",
        "        node.shares.release(pool.share, inv.leased)\n        _reject",
        "        _reject",
    ),
    _fault(
        "circuit answer keeps its share",
        "calls.py",
        "        node.shares.release(pool.share, inv.leased)\n        node.out",
        "        node.out",
    ),
    _fault("no lease for the reserved", "calls.py", "pool.share.reserved is not None)", "False)"),
    _fault(
        "reservation off by one",
        "shares.py",
        "if share.accepted >= limit:",
        "if share.accepted > limit:",
    ),
    _fault(
        "reservations are not kept free",
        "shares.py",
        "self.unreserved >= self._concurrency - self.reserved",
        "self.unreserved >= self._concurrency",
    ),
    _fault(
        "reservation forgets what runs",
        "shares.py",
        "            self.unreserved -= share.accepted",
        "            pass",
    ),
    _fault("closed pool keeps its reservation", "shares.py", "            self.reserve(share, None)\n", ""),
    _fault(
        "cancelled while running",
        "calls.py",
        "if inv is not None and inv.id in inv.pool.queue:",
        "if inv is not None:",
    ),
    _fault("queue deadline outlives the queue", "node.py", "        inv.deadline = inf\n", ""),
    _fault(
        "foreign id is heard",
        "calls.py",
        "elif env.inv is None or env.inv.id != inv_id:",
        "elif env.inv is None:",
    ),
    _fault(
        "answer without a head",
        "calls.py",
        "_answering(node, event.env, inv_id, RESPONDING)",
        "_answering(node, event.env, inv_id, RUNNING)",
    ),
    _fault("half an answer is a success", "calls.py", "if event.ok:", "if True:"),
    _fault(
        "an error is metered as success",
        "node.py",
        "env.status = MeterStatus.ERROR  #",
        "env.status = MeterStatus.SUCCESS  #",
    ),
    _fault("init time in every report", "node.py", "        env.init_s = None\n", ""),
    _fault(
        "next is heard while running", "calls.py", "elif env.state is RESPONDED:", "elif env.inv is not None:"
    ),
    _fault(
        "undelivered environment is kept",
        "calls.py",
        "node.kill(env, StopReason.UNDELIVERED)",
        "node.enter(env, RESPONDING)",
    ),
    _fault(
        "late undelivered is delivered again",
        "calls.py",
        "if env is not None and env.state is RUNNING and env.inv is not None",
        "if env is not None and env.inv is not None",
    ),
    _fault("max_uses off by one", "calls.py", "env.uses >= max_uses", "env.uses > max_uses"),
    _fault("too old is used", "node.py", "if env.retire_at > self.now:", "if True:"),
    _fault("readiness keeps the failures", "calls.py", "        env.pool.clear_failures()\n", ""),
    _fault(
        "timed out environment is kept",
        "overdue.py",
        "node.kill(env, StopReason.TIMED_OUT)",
        "node.rest(env)",
    ),
    _fault(
        "second answer after a timeout",
        "endings.py",
        "if env.state is not RESPONDED:\n        outcome",
        "if True:\n        outcome",
    ),
    _fault(
        "exit in mid-answer is a plain error",
        "endings.py",
        "if env.state is RUNNING else Outcome.TRUNCATED",
        "if True else Outcome.TRUNCATED",
    ),
    _fault(
        "exit is not metered",
        "endings.py",
        "    node.meter(env, status)\n",
        "    node.release(inv)\n    env.inv = None\n",
    ),
    _fault("failure answers everybody", "endings.py", "        del waiting[1:]", "        pass"),
    _fault(
        "failure answers late comers",
        "pool.py",
        "if inv.waits_since < environment.order",
        "if inv.waits_since > 0",
    ),
    _fault("circuit never opens", "endings.py", "    if seconds:", "    if False:"),
    _fault("circuit for ever", "overdue.py", "node.dirty[item] = None", "pass"),
    _fault(
        "circuit without end",
        "pool.py",
        "return min(CIRCUIT_LONGEST_S, 2.0**power)",
        "return 2.0**power",
    ),
    _fault(
        "permanent is like any failure",
        "endings.py",
        "count_failure(error, permanent=permanent)",
        "count_failure(error, permanent=False)",
    ),
    _fault("yields below the provisioned", "turns.py", "env.pool.alive > env.pool.kept_warm and ", ""),
    _fault(
        "many probes",
        "pool.py",
        "return min(room, 1 - self.counts[STARTING]) if self.failures else room",
        "return room",
    ),
    _fault(
        "third init under the init timeout",
        "node.py",
        "phase = Phase.INVOKE if pool.reinits else Phase.INIT",
        "phase = Phase.INIT",
    ),
    _fault("re-init is remembered", "settle.py", "        pool.reinits = 0", "        pass"),
    _fault(
        "re-init under the init timeout",
        "supply.py",
        "    if env.phase is Phase.INVOKE:\n        return limits.timeout_s",
        "    if False:\n        return limits.timeout_s",
    ),
    _fault("started twice, timed anew", "supply.py", "if env is None or env.has_begun:", "if env is None:"),
    _fault(
        "stop is not repeated",
        "node.py",
        "self.deadlines.arm(env, self.now + STOP_AGAIN_S)",
        "env.deadline = inf",
    ),
    _fault(
        "memory of stopping is free",
        "room.py",
        "return need.memory_mb <= self.free_mb and",
        "return need.memory_mb <= self.free_mb + self.coming_mb and",
    ),
    _fault("claims are not kept", "room.py", "self.claimed_mb += need.memory_mb", "pass"),
    _fault("no cap on starts", "grants.py", "    if room.starts < need.places:", "    if False:"),
    _fault("no cap on environments", "room.py", "need.places <= self.places and", ""),
    _fault("nobody is evicted", "grants.py", "or _evict(node, _evictable(node, pool, room), need, room)", ""),
    _fault(
        "provisioned is evicted",
        "grants.py",
        "env.pool.alive - gone <= env.pool.kept_warm",
        "env.pool.alive - gone <= 0",
    ),
    _fault(
        "evicted in vain",
        "grants.py",
        "    if missing_mb > 0 or missing_places > 0:\n        return False\n",
        "",
    ),
    _fault(
        "newest work first",
        "grants.py",
        "key=lambda pool: pool.oldest)",
        "key=lambda pool: -pool.oldest)",
    ),
    _fault(
        "provisioned before queued",
        "grants.py",
        "    for pool in waiting:",
        "    for pool in reversed(node.hungry): _grant_for_provisioned(node, pool, room)\n    for pool in waiting:",
    ),
    _fault(
        "starting is not counted",
        "pool.py",
        "wanted = max(len(self.queue) - self.counts[STARTING],",
        "wanted = max(len(self.queue),",
    ),
    _fault(
        "retired keeps its provisioned",
        "pool.py",
        "return 0 if self.retired else self.limits.provisioned",
        "return self.limits.provisioned",
    ),
    _fault("retired keeps its idle", "settle.py", "node.stop(env, StopReason.RETIRED)", "pass"),
    _fault(
        "provisioned idles out",
        "overdue.py",
        "elif pool.alive > pool.kept_warm:",
        "else:\n        node.stop(env, StopReason.IDLE)\n    if False:",
    ),
    _fault("retired serves newcomers", "calls.py", "if pool is None or pool.retired:", "if pool is None:"),
    _fault("added again, still retired", "supply.py", "pool.retired = node.draining", "pass"),
    _fault("drain takes new work", "calls.py", "    if node.draining:", "    if False:"),
    _fault(
        "drain ends without answers",
        "endings.py",
        "                node.out.append(Complete(env.inv.id, Outcome.SHUTTING_DOWN))",
        "                pass",
    ),
    _fault(
        "drain end forgets the queue", "endings.py", "node.answer_queued(inv, Outcome.SHUTTING_DOWN)", "pass"
    ),
    _fault("drain is put off", "supply.py", "min(event.deadline, node.drain.deadline)", "event.deadline"),
    _fault(
        "list judges the young",
        "supply.py",
        "if env.exists_at < event.asked_at and",
        "if env.exists_at <= node.now and",
    ),
    _fault(
        "orphans live on",
        "supply.py",
        "        if number not in node.environments and",
        "        if False and",
    ),
    _fault("gone keeps its memory", "node.py", "        self.memory_mb -= env.memory_mb\n", ""),
    _fault(
        "gone while running is not answered",
        "endings.py",
        "        cut_off(node, env, PlatformFault.VANISHED, env.status)\n",
        "        env.inv = None\n",
    ),
    _fault(
        "later deadline is lost",
        "deadlines.py",
        "            elif item.deadline < inf:",
        "            elif False:",
    ),
    _fault(
        "a slot that is not ready is used",
        "grants.py",
        "pool.shape.ready.values()",
        "pool.shape.live.values()",
    ),
    _fault(
        "filled while somebody waits",
        "settle.py",
        "    elif node.stock.short:",
        "    if node.stock.short:",
    ),
    _fault("slots without end", "stock.py", "len(stock.slots) >= limits.max_slots", "False"),
    _fault("fills without end", "stock.py", "stock.filling >= FILLS_AT_ONCE or", ""),
    _fault(
        "what is dropped is free at once",
        "stock.py",
        "return self.live_mb + self.dropping_mb",
        "return self.live_mb",
    ),
    _fault("a used slot counts on", "stock.py", "    stock.live_mb -= slot.memory_mb\n", ""),
    _fault("lost slots are replaced at once", "slots.py", " and now >= self.closed_until", ""),
    _fault(
        "slots' back-off without end",
        "slots.py",
        "min(BACK_OFF_LONGEST_S, BACK_OFF_S * 2.0**power)",
        "BACK_OFF_S * 4.0**power",
    ),
    _fault("back-off for ever", "stock.py", "    shape.failures = 0", "    pass"),
    _fault(
        "a dead slot fails its caller",
        "endings.py",
        "    if env.slot is not None and not env.has_begun and not permanent:",
        "    if False:",
    ),
    _fault("slots again after one came to nothing", "endings.py", "    pool.direct_only = True", "    pass"),
    _fault(
        "never slots again",
        "pool.py",
        "        self.direct_only = False\n        self.circuit_until",
        "        self.circuit_until",
    ),
    _fault(
        "a retired pool keeps its slots",
        "node.py",
        "        pool.retired = True\n        self.dirty[pool] = None\n        assign_shape(self, pool)",
        "        pool.retired = True\n        self.dirty[pool] = None",
    ),
    _fault("shapes never shrink", "slots.py", "        self.kept -= 1", "        pass"),
    _fault("shapes never grow", "slots.py", "self.kept = min(self.kept + 1, GROWTH * self.usual)", "pass"),
    _fault(
        "own slots go first",
        "grants.py",
        "key=lambda slot: slot.shape is pool.shape",
        "key=lambda slot: slot.shape is not pool.shape",
    ),
    _fault(
        "a slot is evicted for its own growth",
        "grants.py",
        "        if each is need.slot:\n            continue\n",
        "",
    ),
    _fault(
        "slots keep the provisioned waiting",
        "grants.py",
        "        _evict(node, _spare_slots(node, pool, room), need, room)\n    return False",
        "        pass\n    return False",
    ),
    _fault("a used slot is an orphan", "supply.py", " and not stock.knows(number)", ""),
    _fault(
        "a slot's number is not its environment's",
        "supply.py",
        "present = listed | {stock.taken[number].number for number in listed & stock.taken.keys()}",
        "present = listed",
    ),
    _fault(
        "a lost slot is kept",
        "supply.py",
        "slot.exists_at < event.asked_at and slot.number not in listed",
        "False",
    ),
    _fault(
        "a slot is ready twice",
        "supply.py",
        "slot is not None and slot.state is FILLING",
        "slot is not None and slot.state is not DROPPING",
    ),
    _fault(
        "drop is not repeated",
        "stock.py",
        "    node.deadlines.arm(slot, node.now + DROP_AGAIN_S)",
        "    slot.deadline = inf",
    ),
    _fault("provisioned init like any other", "supply.py", "    if env.provisioned:", "    if False:"),
    _fault(
        "all environments are provisioned",
        "pool.py",
        "return self.alive < self.kept_warm",
        "return self.kept_warm > 0",
    ),
    _fault("a moment without work is room", "grants.py", "        if at > node.now:", "        if False:"),
    _fault(
        "all of another pool's at once",
        "grants.py",
        "(env.restart_s if shares else TURN_S)",
        "env.restart_s",
    ),
    _fault("nobody gets a turn", "turns.py", "    if node.now - pool.waits_from >= TURN_S:", "    if False:"),
    _fault("turns at once", "turns.py", "    if node.now - pool.waits_from >= TURN_S:", "    if True:"),
    _fault("turns without a stay", "turns.py", "if env.stays_until <= node.now and", "if"),
    _fault("who yields goes on", "calls.py", "elif env.yields and is_yielded(node, env):", "elif False:"),
    _fault(
        "who yields goes in vain",
        "turns.py",
        " and any(pool is not env.pool for pool in node.hungry):",
        ":",
    ),
    _fault("earlier deadline is late", "deadlines.py", "if at < item.armed_at:", "if item.armed_at == inf:"),
]
# fmt: on
