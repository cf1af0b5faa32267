"""``python -m tests.faults.mutants``: mistakes on the way from a trigger to SES, each of which the faults find.

In the manner of ``tests.mutants``: each is planted into a copy of the package, the work tree is never touched.
"""

from __future__ import annotations

import sys

from tests.mutants.__main__ import main
from tests.mutants.mutants import Mutant

STORIES, MATRIX = "tests/faults/test_stories.py", "tests/faults/test_matrix.py"
BOTH = (STORIES, MATRIX)
SEND, CLAIMS, LEDGER = "services/send_email.py", "services/claims.py", "domain/delivery/ledger.py"
CONSENT = "domain/delivery/consent.py"
CAPS = "domain/delivery/precedence.py"
RUNS, RELEASES, TELLS = "services/runs.py", "services/release_sends.py", "services/publish_changes.py"
STEPS, SETTLES = "domain/flows/effects.py", "services/record_engagement.py"

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
        "a run is stored before its sends are on the outbox", RUNS,
        "        self._hand_on(effects)\n"
        '        counts["calls" if self.calls is not None else "calls_dropped"] += len(effects.calls)\n'
        "        if still and compiled is not None:\n            self._listen(done, compiled, now)\n"
        "        if fresh:\n            stored = self.journal.start_run(done)\n        else:\n"
        "            self.journal.save_run(done, expected=expected)\n            stored = True\n",
        "        if fresh:\n            stored = self.journal.start_run(done)\n        else:\n"
        "            self.journal.save_run(done, expected=expected)\n            stored = True\n"
        "        self._hand_on(effects)\n"
        '        counts["calls" if self.calls is not None else "calls_dropped"] += len(effects.calls)\n'
        "        if still and compiled is not None:\n            self._listen(done, compiled, now)\n", BOTH,
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
