"""What can be wrong with choices, beyond each value for itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from homing.domain.attributes.names import computed_names, is_computed
from homing.domain.content.choices import matrix as cells
from homing.domain.content.choices.implied import decided
from homing.domain.content.choices.language import MAX_COMBINATIONS, Choice, Matrix, Tree
from homing.domain.content.suggest import did_you_mean
from homing.domain.content.yaml_source import Located, Path
from homing.domain.errors import InvalidCampaign
from homing.domain.segments import language as lang

# What is known on the way to a place of a list or a tree.
Known = tuple[tuple[lang.Condition, bool], ...]


def wrong_choices(
    choices: Mapping[str, Choice], located: Mapping[str, Located], staged: Collection[str]
) -> Iterator[InvalidCampaign]:
    """What keeps choices from being decided: rows that tie, columns that nothing fills."""
    for name, choice in sorted(choices.items()):
        if choice.matrix is not None:
            yield from _columns(choice.matrix, located[name], staged)
            yield from _ties(choice.matrix, located[name])


def unreachable(choices: Mapping[str, Choice], located: Mapping[str, Located]) -> Iterator[InvalidCampaign]:
    """Rows, rules and branches that nobody ever gets to."""
    for name, choice in sorted(choices.items()):
        where = located[name]
        if choice.matrix is not None:
            yield from _hidden_rows(choice.matrix, where)
        elif choice.rules is not None:
            known: Known = ()
            for index, line in enumerate(choice.rules):
                if decided(known, line.when) is False:
                    message = f"nobody gets to rule {index + 1}: whoever it holds for was taken by a rule above"
                    yield where.error(message, code="unreachable_choice", path=("rules", index))
                known = (*known, (line.when, False))
        elif choice.tree is not None:
            yield from _dead_branches(choice.tree, where, ("tree",), ())


def _columns(matrix: Matrix, where: Located, staged: Collection[str]) -> Iterator[InvalidCampaign]:
    for index, axis in enumerate(matrix.by):
        if axis.computed is not None and not is_computed(axis.computed, staged):
            hint = did_you_mean(axis.computed, computed_names(staged))
            path = ("matrix", "by", index, "computed")
            yield where.error(
                f"there is no computed attribute {axis.computed!r}{hint}", code="unknown_attribute", path=path
            )


def _ties(matrix: Matrix, where: Located) -> Iterator[InvalidCampaign]:
    """Each pair of rows that somebody may fall under with equal right, told once, at the later row."""
    rows = cells.rows(matrix)
    columns = cells.representatives(matrix, rows)
    if (count := cells.combinations(columns)) > MAX_COMBINATIONS:
        message = f"{count:,} combinations can't be looked through: make two choices of it, or ask for fewer columns"
        yield where.error(message, code="choice_too_large", path=("matrix", "by"))
        return
    told: set[tuple[int, int]] = set()
    for point in cells.points(columns):
        tied = cells.best(rows, point)
        for other in tied[1:]:
            pair = (tied[0].number, other.number)
            if pair not in told and matrix.rows[pair[0]].give != matrix.rows[pair[1]].give:
                told.add(pair)
                message = (
                    f"rows {pair[0] + 1} and {pair[1] + 1} both match {cells.shown(matrix, point)}, and say equally "
                    f"much: write a row for those people, or take them out of one"
                )
                yield where.error(message, code="choice_tie", path=("matrix", "rows", other.number))


def _hidden_rows(matrix: Matrix, where: Located) -> Iterator[InvalidCampaign]:
    rows = cells.rows(matrix)
    columns = cells.representatives(matrix, rows)
    if cells.combinations(columns) > MAX_COMBINATIONS:
        return
    reached = {found[0].number for point in cells.points(columns) if (found := cells.best(rows, point))}
    for row in rows:
        if row.number not in reached:
            message = f"nobody gets row {row.number + 1}: other rows say more about everybody it matches"
            yield where.error(message, code="unreachable_choice", path=("matrix", "rows", row.number))


def _dead_branches(tree: Tree, where: Located, path: Path, known: Known) -> Iterator[InvalidCampaign]:
    answer = decided(known, tree.if_)
    branches = (("then", True, tree.then), ("else", False, tree.else_))
    for key, holds, branch in branches:
        if answer is not None and answer is not holds:
            if branch is not None:
                word = "always" if answer else "never"
                message = f"nobody gets to this `{key}`: after the questions above, the one here {word} holds"
                yield where.error(message, code="unreachable_choice", path=(*path, key), key=True)
        elif isinstance(branch, Tree):
            yield from _dead_branches(branch, where, (*path, key), (*known, (tree.if_, holds)))
