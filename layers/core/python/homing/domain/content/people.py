"""People made up for previews and checks: two that everybody thinks of, and one for each branch that neither takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from homing.domain.campaigns import Campaigns
from homing.domain.content.checks.branches import Branch, Tracer
from homing.domain.content.checks.conditions import Names, solve
from homing.domain.content.checks.reach import domains
from homing.domain.content.engine import environments
from homing.domain.content.portraits import NATURAL, context_of, described
from homing.domain.content.samples import samples
from homing.domain.content.usage import Use

# A template with more branches than this shows the first of them; nobody looks at more mails of one kind.
MOST = 24
_TRIES = 4


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody made up, and the mail's variables for them. ``name`` says who they are: "customer in Austria, cart of one".
    ``because``: the branches that only this person takes."""

    use: Use
    name: str
    bare: bool
    context: dict[str, Any]
    because: tuple[str, ...] = ()


@dataclass
class People:
    """Makes people up for the templates of a bundle."""

    campaigns: Campaigns
    _tracers: dict[str, list[Tracer]] = field(default_factory=dict)

    def of(self, template: str) -> Iterator[Person]:
        """For each flow that sends the template: somebody who is known well, somebody who is not at all, and whoever
        else it takes to see every branch that can be reached."""
        by_use: dict[Use, list[Person]] = {}
        for sample in samples(self.campaigns, template):
            name = described({}, sample.context, bare=sample.bare)
            by_use.setdefault(sample.use, []).append(Person(sample.use, name, sample.bare, sample.context))
        for use, first in by_use.items():
            yield from first
            yield from self._others(template, use, first)

    def _others(self, template: str, use: Use, first: list[Person]) -> Iterator[Person]:
        tracers = self.tracers(template)
        seen = [set().union(*(tracer.taken(one.context) for one in first)) for tracer in tracers]
        domain = domains(
            use,
            self.campaigns.flows.get(use.flow),
            self.campaigns.settings.topics,
            self.campaigns.attributes,
            self.campaigns.choices,
        )

        def likely(path: Names) -> Any:
            found = domain(path)
            return found if found.fixed is not None else found._replace(natural=NATURAL.get(str(path[-1]), ()))

        made, names = 0, {one.name for one in first}
        for number, tracer in enumerate(tracers):
            for branch in tracer.branches:
                if branch.number in seen[number] or made >= MOST:
                    continue
                person = self._for(template, use, branch, tracer, likely)
                if person is None:
                    continue
                before = [set(one) for one in seen]
                for other, one in zip(tracers, seen, strict=True):
                    one |= other.taken(person.context)
                new = [
                    one.branches[found].label
                    for one, now, then in zip(tracers, seen, before, strict=True)
                    for found in sorted(now - then)
                ]
                made += 1
                name = person.name if person.name not in names else f"{person.name} ({made})"
                names.add(name)
                yield Person(use, name, person.bare, person.context, tuple(dict.fromkeys(new)))

    def _for(self, template: str, use: Use, branch: Branch, tracer: Tracer, domain: Any) -> Person | None:
        for way in branch.when[:_TRIES]:
            wishes = solve(way, domain)
            if wishes is None:
                continue
            for bare in (False, True):
                context = context_of(self.campaigns, template, use, wishes, bare=bare)
                if branch.number in tracer.taken(context):
                    return Person(use, described(wishes, context, bare=bare), bare, context)
        return None

    def tracers(self, template: str) -> list[Tracer]:
        """The parts of a template, ready to tell their branches."""
        if template not in self._tracers:
            held = self.campaigns.templates[template]
            settings = self.campaigns.settings
            environment = environments(settings.language, settings.currency).text
            self._tracers[template] = [
                Tracer(part, environment) for part in (held.html, held.subject, held.preheader, held.text) if part
            ]
        return self._tracers[template]
