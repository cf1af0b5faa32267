"""Random rules of the whole language and random histories, from one number each.

Histories are drawn to fit the rules: the events, properties and durations that a rule names come up in what happens, so
that edges are met exactly and not by luck.
"""

from __future__ import annotations

from random import Random

from tests.unit.segments.case import Case
from tests.unit.segments.random_history import History
from tests.unit.segments.random_rules import Rules
from tests.unit.segments.vocabulary import ZONES


def case(random: Random, seed: int = 0) -> Case:
    """A case. The same state of ``random`` gives the same case."""
    rules = Rules(random)
    made = Case(seed, random.choice(ZONES[:-1]), {})
    for helper in ("h", "g")[: random.choice((0, 0, 0, 1, 2))]:
        made.segments[helper] = rules.rule(2)
        rules.helpers.append(helper)
    if random.random() < 0.15:
        made.stages["mood"] = rules.stages()
    plain = made.stages and random.random() < 0.5
    made.segments["s"] = rules.mood() if plain else rules.rule(random.choice((0, 1, 2, 3)))
    History(random, made).write()
    return made
