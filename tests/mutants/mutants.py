"""The planted mistakes: in which file, which words are replaced by which, and which tests look first.

``EXACT`` is the oracle's cases; the others are files of tests. Old words stand exactly once in their file, or the run
fails: a mutant that no longer fits the code is to be rewritten, not left out.
"""

from __future__ import annotations

from dataclasses import dataclass

EXACT = "exact"
NEW_RULES = "tests/unit/segments/test_new_rules.py"
CARTS = "tests/unit/profiles/test_carts_equal_a_naive_reading.py"
EMPTIED = "tests/unit/triggers/test_emptied_carts.py"
LATECOMERS = "tests/scenarios/test_carts_and_latecomers.py"
BROWSING = "tests/unit/triggers/test_browsing_equals_a_naive_reading.py"
CODECS = "tests/unit/profiles/test_codec.py"
NEWS = "tests/unit/triggers/test_history.py"
UPDATES = "tests/unit/services/test_update_profiles.py"
SWEEPS = "tests/unit/services/test_wake_due.py"
PAUSES = "tests/unit/flows/test_paused_flows.py"
MANY = "tests/unit/flows/test_fan_out.py"
CLOCKS = "tests/unit/flows/test_schedules.py"
PRODUCTS = "tests/unit/flows/test_products.py"
QUICK = "tests/unit/profiles/test_wakes_after_an_order.py"
VALUES = "tests/unit/attributes/test_values_equal_a_naive_reading.py"
FORGETTING = "tests/unit/profiles/test_forgetting.py"
TOLD = "tests/scenarios/test_backtest_keeps_answers.py"
RENDERING = "tests/unit/content/test_quick.py"


@dataclass(frozen=True)
class Mutant:
    """One mistake, in one place of a file under the package ``homing``."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...] = (EXACT,)
    # The oracle's case to begin with: for rare mistakes one that is known to find it.
    seed: int = 1


RULES, BEHAVIOUR = "domain/segments/rules.py", "domain/segments/behaviour.py"
SEQUENCES, SAID, WHEN = "domain/segments/sequences.py", "domain/segments/said.py", "domain/segments/when.py"
COMPILER, TIMED = "domain/segments/compiler.py", "domain/segments/timed.py"
MEMORY, FOLD, LISTS = "domain/profiles/memory.py", "domain/profiles/fold.py", "domain/profiles/lists.py"
STATEMENTS, CODEC, CARTS_FILE = (
    "domain/profiles/statements.py", "domain/profiles/codec.py", "domain/profiles/carts.py",
)  # fmt: skip
ENGINE_FILE, TRIGGERS = "domain/engine.py", "domain/triggers/triggers.py"
STAGED, RFM = "domain/attributes/staged.py", "domain/attributes/rfm.py"
TIME_FILE, COMPARISONS = "domain/time.py", "domain/segments/comparisons.py"
LANES, WAKES, PROGRESS = "services/sweep.py", "services/wake_due.py", "domain/progress.py"
CONTROL, SCHEDULE, CHANGED = "domain/flows/control.py", "domain/flows/schedule.py", "domain/flows/products.py"
RUNS, REARM, FAN_OUT, SEND = (
    "services/runs.py", "services/rearm.py", "services/fan_out.py", "services/send_email.py",
)  # fmt: skip
GATE, STATES, COLLECTED = "domain/delivery/gate.py", "services/flow_states.py", "services/product_changes.py"

MUTANTS: tuple[Mutant, ...] = (
    # What is kept or left out to be quick
    Mutant(
        "after an order only what it touched says when to look again", ENGINE_FILE,
        "            names |= self._timed(profile)\n        names |= self._advance",
        "            pass\n        names |= self._advance",
        (QUICK,),
    ),
    Mutant(
        "after an order nobody waits for the other triggers", ENGINE_FILE,
        "for trigger in self.triggers if anew else triggers:", "for trigger in triggers:", (QUICK,),
    ),
    Mutant(
        "a week's scores hold for ever", RFM, "known[2] <= t < known[3]", "known[2] <= t", (VALUES,),
    ),
    Mutant(
        "what left its window stays when nothing else is to be forgotten", MEMORY,
        "(slot.window is None or held[-1][0] + slot.window > now)))", "True))", (FORGETTING,),
    ),
    Mutant(
        "what nobody has read of a batch that stays open is what was stored", "services/open_batch.py",
        "if not batch.plain or len(batch.people.held) >= _PEOPLE:", "if len(batch.people.held) >= _PEOPLE:", (TOLD,),
    ),
    Mutant(
        "the people of a batch that stays open wake when what is stored says", "services/open_batch.py",
        "self.wake_at = profile.wake_at", "pass", (TOLD,),
    ),
    Mutant(
        "the size of nothing is nothing", "domain/content/quick.py",
        "return _MISSING if error.args[0] not in _OF_ALL else _NOT_FOUND", "return _MISSING", (RENDERING,),
    ),
    # Evaluation
    Mutant(
        "an event still counts at the end of its window", BEHAVIOUR,
        "return (True, expires) if expires > t else (False, None)",
        "return (True, expires) if expires >= t else (False, None)",
    ),
    Mutant(
        "a window begins a microsecond early", BEHAVIOUR,
        "while count < len(held) and held[count][0] > instant:",
        "while count < len(held) and held[count][0] >= instant:",
    ),
    Mutant(
        "at_most looks at one event too few for its flip", BEHAVIOUR,
        "None if within is None or high < low else past[high][0] + within",
        "None if within is None or high < low else past[high - 1][0] + within", seed=612,
    ),
    Mutant(
        "events stamped ahead count at once", BEHAVIOUR,
        "while ahead < len(held) and held[ahead][0] > t:",
        "while ahead < len(held) and held[ahead][0] > t + 300_000_000:",
    ),
    Mutant(
        "what is stamped ahead is no reason to wake", BEHAVIOUR,
        "truth, flip = self.count.of(held, t)\n        return truth, flip if coming is None else earliest((flip, coming))",
        "truth, flip = self.count.of(held, t)\n        return truth, flip",
    ),
    Mutant(
        "the same value: woken when the last of several may change", BEHAVIOUR,
        "(soonest is None or flip < soonest):\n                soonest = flip\n        if true:",
        "(soonest is None or flip > soonest):\n                soonest = flip\n        if true:", seed=1583,
    ),
    Mutant(
        "more than is at least", BEHAVIOUR,
        "not total > self.more_than * count", "not total >= self.more_than * count",
    ),
    Mutant(
        "an average of binary numbers", COMPARISONS,
        "return round(number.scaleb(6)) if number.adjusted() < 30 else None",
        "return round(number.scaleb(1)) * 100_000 if number.adjusted() < 30 else None", seed=1454,
    ),
    Mutant(
        "the first event is the latest one", BEHAVIOUR,
        "past[-1 if self.earliest else 0]", "past[0]",
    ),
    Mutant(
        "ago: a microsecond too late", BEHAVIOUR,
        "if t < at + self.at_least:", "if t <= at + self.at_least:",
    ),
    Mutant(
        "an opened mail counts as opened for as long as its delivery counts", BEHAVIOUR,
        "if hit and reacted[value] < at:", "if False:", seed=807,
    ),
    Mutant(
        "all of: woken by the first part that may change, never again", RULES,
        "return (False, latest) if false else (True, soonest)", "return (False, None) if false else (True, soonest)",
    ),
    Mutant(
        "any of: one true part for ever hides that another ends", RULES,
        "return (True, latest) if true else (False, soonest)", "return (True, soonest) if true else (False, soonest)",
    ),
    Mutant(
        "a flip is taken for granted", RULES,
        "if there != truth:\n            return truth, candidate\n        candidate = following\n    return truth, candidate",
        "if there != truth:\n            return truth, candidate\n        return truth, None\n    return truth, candidate",
    ),
    Mutant(
        "a step of a sequence may be at its time's very end", SEQUENCES,
        "at - end < step.within", "at - end <= step.within",
    ),
    Mutant(
        "a sequence's steps may share an instant", SEQUENCES, "if end < at and", "if end <= at and",
    ),
    Mutant(
        "what must not come between may come first", SEQUENCES,
        "(floor is None or end >= floor)", "(floor is None or begin >= floor)", seed=2771,
    ),
    Mutant(
        "what happens at the very end of the last did_not still counts", SEQUENCES,
        "if later and later[0] < decided:", "if later and later[0] <= decided:", seed=1985,
    ),
    Mutant(
        "29 February is kept on 1 March", TIME_FILE,
        "return date(year, 2, 28)", "return date(year, 3, 1)",
    ),
    Mutant(
        "a day has twenty-four hours, also when clocks are changed", SAID,
        "return start, local_instant(day + timedelta(days=1), _MIDNIGHT, tz)",
        "return start, start + (before + 1) * 86_400_000_000",
    ),
    Mutant(
        "the night belongs to the day on which it ends", WHEN,
        "for day in (today - timedelta(days=1), today):", "for day in (today,):",
    ),
    Mutant(
        "a customer's zone matters only to events", COMPILER,
        "frozenset({NOW}) | ZONE_INPUTS", "frozenset({NOW})",
    ),
    Mutant(
        "who is in a stage may leave it at once", STAGED,
        "stage.keep_for is not None and t < since + stage.keep_for:", "False:",
    ),
    Mutant(
        "a stage is kept a microsecond too long", STAGED,
        "t < since + stage.keep_for:", "t <= since + stage.keep_for:",
    ),
    Mutant(
        "keep_while lets people in", STAGED, "(holds or stage.name == present)", "True",
    ),
    Mutant(
        "segments do not hear of stages", ENGINE_FILE,
        'moved |= self._by_input.get(f"stage:{rule.name}", set())', "pass",
    ),
    # Memory
    Mutant(
        "at most n remembers one too few", COMPILER,
        "needed = max(low, 1) if high is None else high + 1", "needed = max(low, 1) if high is None else max(high, 1)", seed=414,
    ),
    Mutant(
        "slots shared by rules keep what the last one asks", MEMORY,
        "keep = max(keep, held.keep)", "keep = keep", seed=3298,
    ),
    Mutant(
        "pruned a second early", MEMORY,
        "at + slot.window <= now):\n                break", "at + slot.window <= now + 1_000_000):\n                break",
        seed=855,
    ),
    Mutant(
        "late events go to the front", MEMORY,
        "while position < len(entries) and (entries[position][0], entries[position][1]) > (at, key):",
        "while False:",
    ),
    Mutant(
        "of an order told twice the latest word counts", MEMORY,
        "if held[0] < at or (held[0] == at", "if held[0] > at or (held[0] == at", seed=933,
    ),
    Mutant(
        "merging forgets values that only one half has", MEMORY,
        "joined[value] = join(joined[value], entries) if value in joined else entries",
        "joined.update({value: join(joined[value], entries)} if value in joined else {})", seed=208,
    ),
    Mutant(
        "what is stamped ahead pushes out what counts now", MEMORY,
        "        if at <= now:\n            past += 1", "        if True:\n            past += 1",
    ),
    # Fold
    Mutant(
        "an order from webhook and storefront is two", MEMORY,
        'text = f"order:{order}"', 'text = f"order:{order}:{event.message_id}"',
    ),
    Mutant(
        "the first event is the one that arrived first", FOLD,
        "if profile.first_at is None or event.occurred < profile.first_at:", "if profile.first_at is None:", seed=350,
    ),
    Mutant(
        "late words overrule newer ones", STATEMENTS,
        "if said.order <= held.order:", "if said.order[:1] < held.order[:1]:",
    ),
    Mutant(
        "an import overrules what the customer said", STATEMENTS,
        "ranked = sorted(latest.values(), key=lambda said: said.order, reverse=True)",
        "ranked = sorted(latest.values(), key=lambda said: said.at, reverse=True)",
    ),
    Mutant(
        "a late word on a list overrules a newer one", LISTS,
        "if held is not None and word <= held:", "if held is not None and word == held:",
    ),
    Mutant(
        "merging keeps the later first event", FOLD,
        "left.first_at = min(", "left.first_at = max(",
    ),
    # Wake-ups
    Mutant(
        "a settled profile is not armed again", ENGINE_FILE,
        "            self._evaluate(profile, instant, self._timed(profile) | moved)\n",
        "            self._evaluate(profile, instant, self._timed(profile) | moved)\n            profile.wake_at = None\n",
    ),
    Mutant(
        "armed a microsecond late", ENGINE_FILE,
        "            self._wake(profile, flip)\n", "            self._wake(profile, flip and flip + 1)\n",
    ),
    Mutant(
        "a later deadline replaces an earlier one", ENGINE_FILE,
        "if instant is not None and (profile.wake_at is None or instant < profile.wake_at):",
        "if instant is not None:",
    ),
    Mutant(
        "an event is folded before what came due is settled", ENGINE_FILE,
        "        self.settle(profile, arrived)\n        fresh = profile.first_at is None\n",
        "        fresh = profile.first_at is None\n",
    ),
    Mutant(
        "only what an event touches is evaluated the first time", ENGINE_FILE,
        "names |= self._by_input.select(_ALWAYS) | self._from_the_start", "names |= set()",
    ),
    Mutant(
        "a wake-up looks only at behaviour", ENGINE_FILE,
        "present = {*profile.memory, FIRST, NOW}", "present = {*profile.memory, FIRST}",
    ),
    Mutant(
        "a wake-up forgets dates that were said", TIMED,
        "return rule.reads - (ZONE_INPUTS - {f\"trait:{rule.trait}\"})", "return frozenset()",
    ),
    Mutant(
        "merged people keep the segments of one of them", ENGINE_FILE,
        "        self._evaluate(profile, at, self._rules)\n        for trigger, mine, theirs in known:",
        "        self._evaluate(profile, at, profile.segments)\n        for trigger, mine, theirs in known:",
    ),
    Mutant(
        "a merged profile is not settled first", ENGINE_FILE,
        "        self.settle(profile, at)\n        self.settle(other, at)\n", "        self.settle(other, at)\n",
    ),
    Mutant(
        "new rules are told as news", ENGINE_FILE,
        "self._evaluate(profile, at, self._rules, news=False)", "self._evaluate(profile, at, self._rules)", (NEW_RULES,),
    ),
    Mutant(
        "what came due before a deployment comes at the deployment", ENGINE_FILE,
        "            at = profile.wake_at - 1\n", "            pass\n", (NEW_RULES,),
    ),
    Mutant(
        "after a deployment nothing is evaluated until the next event", ENGINE_FILE,
        "            self._reassess(profile, at)\n\n    def _reassess", "            pass\n\n    def _reassess", (NEW_RULES,),
    ),
    # Storage
    Mutant(
        "stored profiles lose their lists", CODEC, "    if profile.lists:\n", "    if False:\n",
    ),
    Mutant(
        "stored profiles lose what other sources said", CODEC, "    if profile.rivals:\n", "    if False:\n", (CODECS,),
    ),
    Mutant(
        "a stored wake-up moves", CODEC,
        'wake_at=None if plain["w"] is None else now + plain["w"]',
        'wake_at=None if plain["w"] is None else now + plain["w"] + 1',
    ),
    # Carts and triggers
    Mutant(
        "an order closes only carts of its token", CARTS_FILE,
        "if token == \"\" or not own.isdisjoint(tokens) or not known.intersection(tokens):", "if not own.isdisjoint(tokens):",
        (CARTS,),
    ),
    Mutant(
        "a cart is abandoned although it was emptied", TRIGGERS,
        "return cart if cart and cart.items else None", "return cart", (EMPTIED,),
    ),
    Mutant(
        "removing takes the whole line", CARTS_FILE,
        'elif held and before > item["quantity"]:', "elif False:", (CARTS,),
    ),
    Mutant(
        "a cart's snapshot adds to what was there", CARTS_FILE,
        '    if kind == "set":\n        lines = {}\n', "", (CARTS,),
    ),
    Mutant(
        "a visit is told again when one of its views is heard of late", TRIGGERS,
        "return any(True for _ in known)", "return False", (LATECOMERS,),
    ),
    Mutant(
        "browsing counts after a purchase", TRIGGERS,
        "return [] if bought and bought[0] >= views[-1][0] else views", "return views", (BROWSING,),
    ),
    Mutant(
        "old orders that are handed over start flows", ENGINE_FILE,
        "recent = event.occurred > arrived - self.campaigns.settings.send_expires_after", "recent = True", (NEWS,),
    ),
    Mutant(
        "a redelivered message fires again", FOLD,
        "return message_hash(event.message_id) in profile.seen", "return False", (UPDATES,),
    ),
    # Sweeps
    Mutant(
        "a sweep reads one page of a bucket and no more", LANES,
        "            if len(page) < PAGE:", "            if page:", (SWEEPS,),
    ),
    Mutant(
        "a sweep takes bucket after bucket", LANES,
        "merge(*walks, key=lambda item: item[1].at)", "merge(*walks, key=lambda item: item[0])", (SWEEPS,),
    ),
    Mutant(
        "a sweep that ran out of time says that it caught up", LANES,
        "        if not self.done:\n            return Pass(self.places)\n", "", (SWEEPS,),
    ),
    Mutant(
        "what came due just now is left behind a sweep's place", LANES,
        "if place.at <= settled:", "if place.at <= settled + _SETTLED:", (SWEEPS,),
    ),
    Mutant(
        "a sweep's place stays for ever", PROGRESS,
        "return self.caught_up is None or abs(now - self.caught_up) < lease", "return True", (SWEEPS,),
    ),
    Mutant(
        "a clock that ran ahead stops the sweeps", PROGRESS,
        "abs(now - self.caught_up) < lease", "now - self.caught_up < lease", (SWEEPS,),
    ),
    Mutant(
        "a long sweep writes its place down at its end only", WAKES,
        "elif self._wake.clock() >= self._saved_at + CHECKPOINT:", "elif False:", (SWEEPS,),
    ),
    Mutant(
        "of two sweeps at once both go on", WAKES,
        "        self._wake.progress.save(progress, expected=self._known.version)",
        "        try:\n            self._wake.progress.save(progress, expected=self._known.version)\n"
        "        except Conflict:\n            return",
        (SWEEPS,),
    ),
    # Flows paused, stopped, and started for many
    Mutant(
        "a run that slept through a stop goes on", CONTROL,
        'return self.state == "stopped" or began_at <= self.stopped_at', 'return self.state == "stopped"', (PAUSES,),
    ),
    Mutant(
        "a late trigger starts a flow that was stopped when it fired", CONTROL,
        'return self.state == "stopped" or triggered_at < self.opens_at', 'return self.state == "stopped"', (PAUSES,),
    ),
    Mutant("an order that was overtaken is carried out", CONTROL, "if given.at < held.since:", "if False:", (PAUSES,)),
    Mutant(
        "an order that comes again is carried out again", CONTROL,
        "any((one.flow, one.request_id) == (given.flow, given.request_id) for one in self.orders)", "False", (PAUSES,),
    ),
    Mutant(
        "a pause that is over is acted upon", STATES,
        'if self._clock() >= self._until or self._known.of(flow).state != "running":', "if self._clock() >= self._until:",
        (PAUSES,),
    ),
    Mutant(
        "who parks a run does not look again", RUNS, "return self.states.now(run.flow).paused", "return True", (PAUSES,),
    ),
    Mutant(
        "who holds a mail does not look again", SEND, "if not self._states.now(request.flow).paused:", "if False:", (PAUSES,),
    ),
    Mutant(
        "a run that was held for too long goes on", RUNS, "self.clock() - run.wake_at > flow.oldest", "False", (PAUSES,),
    ),
    Mutant("a held mail takes a place under a cap", GATE, "if entry.reason == PAUSED:", "if False:", (PAUSES,)),
    Mutant(
        "what the index hid is left where it is", REARM,
        "(not handed and now - job.asked_at >= _SETTLED)", "(not handed)", (PAUSES,),
    ),
    Mutant(
        "what a pause held goes on shard by shard", REARM, "key=lambda item: item[1].at)", "key=lambda item: item[0])", (PAUSES,),
    ),
    Mutant(
        "a job's place is written before its page", FAN_OUT,
        '        self._put([{"visit": job.id, "people": list(part), "at": at} for part in parts])\n',
        "        self.journal.save_job(job.change(cursor=page.cursor), expected=job.version)\n"
        "        job = self.journal.load_job(job.id) or job\n"
        '        self._put([{"visit": job.id, "people": list(part), "at": at} for part in parts])\n',
        (MANY,),
    ),
    Mutant(
        "people in the last shard are left out", FAN_OUT,
        '{"shard": shard, "after": after}, shard >= MEMBER_SHARDS)',
        '{"shard": shard, "after": after}, shard >= MEMBER_SHARDS - 1)',
        (MANY,),
    ),
    Mutant(
        "a job goes on when its flow was stopped", FAN_OUT, "if state.closed(job.asked_at):", "if False:", (MANY,),
    ),
    Mutant(
        "a schedule keeps to one time of the day in UTC", SCHEDULE,
        "return sorted({stroke(instant) for day in days if (instant := _instant(day, on, at, zone)) is not None})",
        "return sorted({stroke(instant) for day in days if (instant := _instant(day, on, at, zone)) is not None})[:1]",
        (CLOCKS,),
    ),
    Mutant("a stroke that comes a moment early is lost", SCHEDULE, "one <= now + _EARLY", "one <= now", (CLOCKS,)),
    Mutant(
        "a drop by just as much does not count", CHANGED,
        "drop >= Decimal(str(flow.on.by))", "drop > Decimal(str(flow.on.by))", (PRODUCTS,),
    ),
    Mutant("what was there all the time is back", CHANGED, "stock.before is False", "True", (PRODUCTS,)),
    Mutant(
        "a change is put into a job whose people are being visited", COLLECTED,
        'job.state == "waiting" and not job.cursor', 'job.state == "waiting"', (PRODUCTS,),
    ),
)  # fmt: skip
