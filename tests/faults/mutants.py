"""``python -m tests.faults.mutants``: mistakes on the way from a trigger to SES and to other systems, each of which the
faults find.

In the manner of ``tests.mutants``: each is planted into a copy of the package, the work tree is never touched.
"""

from __future__ import annotations

import sys

from tests.mutants.__main__ import main
from tests.mutants.mutants import Mutant

STORIES, MATRIX = "tests/faults/test_stories.py", "tests/faults/test_matrix.py"
BOTH = (STORIES, MATRIX)
TRIALS = "tests/faults/test_trials.py"
HANDED_ON = "tests/unit/flows/test_handed_on.py"
FLOWS, ALL = (TRIALS, MATRIX), (TRIALS, STORIES, MATRIX)
SEND, CLAIMS, LEDGER = "services/send_email.py", "services/claims.py", "domain/delivery/ledger.py"
CONSENT = "domain/delivery/consent.py"
CAPS = "domain/delivery/precedence.py"
RUNS, RELEASES, TELLS = "services/runs.py", "services/release_sends.py", "services/publish_changes.py"
ENGINE = "domain/flows/engine.py"
STEPS, SETTLES = "domain/flows/effects.py", "services/record_engagement.py"
VERSIONS, CALLS = "services/flow_versions.py", "services/call_webhooks.py"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "the claim is written with the outcome, after SES was called", CLAIMS,
        "return self._write(ledger, claimed, now)", "return ledger", BOTH,
    ),
    Mutant(
        "what a lost worker claimed is sent again", CLAIMS,
        'return self.save(ledger, held.change(status="unknown", reason="worker_lost"), now)', "return None", BOTH,
    ),
    Mutant(
        "a lease that is over does not keep from sending", SEND,
        "if self.clock() >= claimed.lease_until:", "if self.clock() < 0:", BOTH,
    ),
    Mutant(
        "a lost reply is taken for a certain non-send", SEND,
        "except Lost as error:\n"
        '            return self._claims.settle(ledger, claimed, status="unknown", reason=f"reply_lost: {error}"[:200])\n'
        "        except Refused as error:",
        "except Refused as error:", BOTH,
    ),
    Mutant(
        "an unknown send is tried again when its message comes again", CLAIMS,
        'if held.status in {"sent", "dropped", "unknown"}:', 'if held.status in {"sent", "dropped"}:', BOTH,
    ),
    Mutant(
        "a claim whose reply was lost is not looked up", CLAIMS,
        "if held is not None and held.lease == claimed.lease:\n                    return stored",
        "if held is not None and held.lease == claimed.lease + claimed.lease:\n                    return stored", BOTH,
    ),
    Mutant(
        "a throttled send keeps its claim", SEND,
        'ledger, claimed, status="deferred", reason="throttled"', 'ledger, claimed, status="sending", reason="throttled"',
        BOTH,
    ),
    Mutant(
        "marketing is repeated after a day, as if it were owed", SEND,
        "owed = not entry.counts", "owed = entry.send_id != ''", BOTH,
    ),
    Mutant(
        "an unsubscription by link is not looked at", CONSENT,
        "at = stop.topics.get(name)", "at = None", BOTH,
    ),
    Mutant(
        "a bounce or complaint does not suppress", CONSENT,
        "        if stop.suppressed:", "        if stop.suppressed and not stop.id:", BOTH,
    ),
    Mutant(
        "the caps count without what is unknown", CAPS,
        'COUNTED = frozenset({"sending", "sent", "unknown"})', 'COUNTED = frozenset({"sending", "sent"})', BOTH,
    ),
    Mutant(
        "the caps count without what is being sent", CAPS,
        'COUNTED = frozenset({"sending", "sent", "unknown"})', 'COUNTED = frozenset({"sent", "unknown"})', BOTH,
    ),
    Mutant(
        "the ledger keeps its version", LEDGER,
        "return Ledger(self.profile_id, self.version + 1, {**self.entries, entry.send_id: entry})",
        "return Ledger(self.profile_id, self.version or 1, {**self.entries, entry.send_id: entry})", BOTH,
    ),
    Mutant(
        "a run that goes on is stored before what it asks for is handed on", RUNS,
        "            self._hand_on(effects)\n            if still and compiled is not None:\n"
        "                self._listen(done, compiled, now)\n            self.journal.save_run(done, expected=expected)\n",
        "            if still and compiled is not None:\n                self._listen(done, compiled, now)\n"
        "            self.journal.save_run(done, expected=expected)\n            self._hand_on(effects)\n", FLOWS,
    ),
    Mutant(
        "a run that begins hands on before it is stored", RUNS,
        "            stored = self.journal.start_run(done.change(begun=effects.steps))\n            if stored:\n"
        "                self._hand_on(effects)\n",
        "            self._hand_on(effects)\n"
        "            stored = self.journal.start_run(done.change(begun=effects.steps))\n", ALL,
    ),
    Mutant(
        "a trigger that is told again hands on nothing", RUNS,
        "if held.begun and held.trigger_id == trigger.id and", "if False and", FLOWS,
    ),
    Mutant(
        "the way that a run takes is stored with what lies on it, and not before", RUNS,
        "if effects and effects.chosen:", "if effects and effects.chosen and not done.id:", FLOWS,
    ),
    Mutant(
        "branches and splits do not say that they chose a way", ENGINE,
        "        self.effects += Effects(chosen=True)\n        self._enter(step, side)\n",
        "        self._enter(step, side)\n", (HANDED_ON, TRIALS),
    ),
    Mutant(
        "a split does not say that it chose a way", ENGINE,
        "        self.effects += Effects(chosen=True)\n        self._enter(step, side)\n",
        "        self.effects += Effects(chosen=isinstance(step, If))\n        self._enter(step, side)\n", (HANDED_ON,),
    ),
    Mutant(
        "what a run owes is forgotten", RUNS,
        'self._hand_on_again(run, owed["steps"])', 'self.versions.definition(run)', FLOWS,
    ),
    Mutant(
        "a run that waits is noted on the agenda only when it is stored", RUNS,
        "            if still and compiled is not None:\n                self._listen(done, compiled, now)\n"
        "            stored = self.journal.start_run(done.change(begun=effects.steps))\n            if stored:\n"
        "                self._hand_on(effects)\n",
        "            stored = self.journal.start_run(done.change(begun=effects.steps))\n            if stored:\n"
        "                self._hand_on(effects)\n            if still and compiled is not None:\n"
        "                self._listen(done, compiled, now)\n", FLOWS,
    ),
    Mutant(
        "nobody looks again at what happened while the run was stored", RUNS,
        "        if still and stored:\n            self._look_again",
        "        if still and not stored:\n            self._look_again",
        FLOWS,
    ),
    Mutant(
        "what happens after the time was up counts, if the function comes late", ENGINE,
        "t = min(max(run.at, self.profile.evaluated_at), until)", "t = max(run.at, self.profile.evaluated_at)", FLOWS,
    ),
    Mutant(
        "when the time is up nobody asks whether it happened", ENGINE,
        "        if any(question.holds(run, self.profile, t) for question in self.compiled.awaits[run.position]):\n",
        "        if self.now < until and any(q.holds(run, self.profile, t) for q in self.compiled.awaits[run.position]):\n",
        FLOWS,
    ),
    Mutant(
        "who is woken by something else is given up hours early", ENGINE,
        "if self.now >= until:", "if self.now >= until - 10_000_000_000:", FLOWS,
    ),
    Mutant(
        "what happened before a run began to wait counts", "domain/flows/compiled.py",
        "run.waiting_since if self.fresh else None", "None", FLOWS,
    ),
    Mutant(
        "a signal wakes nobody", RUNS,
        "listening = agenda.awaiting(signal)", "listening = agenda.awaiting(signal + signal)", FLOWS,
    ),
    Mutant(
        "the version that a run begins on is not kept", RUNS,
        "        self.versions.keep(compiled)\n", "", FLOWS,
    ),
    Mutant(
        "runs of an older version go on in the new one", VERSIONS,
        'if rule == "finish" and old is not None:', 'if rule == "finish" and old is None:', FLOWS,
    ),
    Mutant(
        "that a flow began is not noted", RUNS,
        "self.journal.save_agenda(noted, expected=agendas[0].version)\n                return True", "return True", FLOWS,
    ),
    Mutant(
        "a note that a flow began does not know by what", RUNS,
        "if any(held.trigger_id == trigger.id for held in begun):", "if any(held.trigger_id == flow.name for held in begun):",
        FLOWS,
    ),
    Mutant(
        "a call that got no answer is taken for made", CALLS,
        "            return self._again(delivery, str(error))\n", '            return Outcome("done", str(error))\n', FLOWS,
    ),
    Mutant(
        "a system's own error is taken for its word", "domain/webhooks/retries.py",
        "if 400 <= status < 500 and status not in _LATER:", "if 400 <= status < 600 and status not in _LATER:", FLOWS,
    ),
    Mutant(
        "a call's id depends on when it was asked for", STEPS,
        "id=send_id(run.id, step_key(run)), webhook=", 'id=send_id(run.id, f"{step_key(run)} {now}"), webhook=', FLOWS,
    ),
    Mutant(
        "a send's id depends on when it was decided", STEPS,
        "send_id=send_id(run.id, step_key(run))", 'send_id=send_id(run.id, f"{step_key(run)} {now}")', BOTH,
    ),
    Mutant(
        "transactional mail that stays unknown is given up", RELEASES,
        "        elif entry.request is not None:", "        elif entry.request is not None and not entry.request:",
        BOTH,
    ),
    Mutant(
        "what the bus does not take is forgotten", TELLS,
        "            self.bus.put(events)",
        "            try:\n                self.bus.put(events)\n            except Exception:\n                return", BOTH,
    ),
    Mutant(
        "what SES tells settles nothing", SETTLES,
        '_UNSETTLED = frozenset({"sending", "unknown", "deferred"})', "_UNSETTLED: frozenset[str] = frozenset()", BOTH,
    ),
)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(MUTANTS))
