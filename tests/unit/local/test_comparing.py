"""Two campaigns over one history: what differs, person by person."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from homing.adapters.files import read_folder
from homing.domain.content.publish import publish
from homing.domain.time import DAY, HOUR, parse_instant
from homing.local.backtests.comparing import Briefs, Comparing
from homing.local.figures import Differences
from homing.local.outputs import Message, Transition
from tests.fixtures.changed import STARTER

NOW = parse_instant("2026-03-01T10:00:00Z")


def mail(
    person: str,
    id_: str,
    *,
    at: int = NOW,
    template: str = "hello",
    run: str = "",
    status: str = "sent",
    reason: str = "",
) -> Message:
    return Message(
        message_id=id_, profile_id=person, flow="win-back", run_id=run or f"run-{id_}", template=template, decided_at=at,
        sent_at=at if status == "sent" else None, status=status, reason=reason,
    )  # fmt: skip


def moved(person: str, segment: str, at: int = NOW, change: Any = "entered") -> Transition:
    return Transition(at=at, profile_id=person, segment=segment, change=change)


def compared(
    tmp_path: Path,
    here: list[Message | Transition],
    there: list[Message | Transition],
    comparing: Comparing | None = None,
    **aliases: str,
) -> tuple[list[dict[str, Any]], Comparing]:
    paths = []
    for name, told in (("here", here), ("there", there)):
        briefs = Briefs()
        for one in told:
            (briefs.message if isinstance(one, Message) else briefs.transition)(one)  # type: ignore[operator]
        for merged, into in aliases.items():
            briefs.alias(merged, into)
        paths.append(tmp_path / name)
        briefs.save(paths[-1])
    comparing = comparing or Comparing("main")
    return list(comparing.lines(paths[:1], paths[1:])), comparing


def test_what_is_the_same_is_not_told(tmp_path: Path) -> None:
    both: list[Message | Transition] = [mail("ana", "1"), moved("ana", "vip"), mail("ben", "2", status="dropped")]
    lines, comparing = compared(tmp_path, both, list(reversed(both)))
    assert lines == []
    assert (comparing.found.people, comparing.found.mails_here, comparing.found.mails_there) == (0, 1, 1)


def test_each_kind_of_difference(tmp_path: Path) -> None:
    lines, comparing = compared(
        tmp_path,
        [mail("ana", "1"), mail("ben", "2", at=NOW + HOUR), mail("eva", "4", template="other"), moved("ana", "vip")],
        [mail("ben", "2"), mail("cleo", "3"), mail("eva", "4"), moved("ana", "vip", NOW + DAY), moved("ben", "lapsed")],
    )
    told = [(line["profile_id"], line["what"], line["kind"]) for line in lines]
    assert told == [
        ("ana", "message", "only_here"), ("ana", "segment", "other_time"), ("ben", "segment", "only_there"),
        ("ben", "message", "other_time"), ("cleo", "message", "only_there"), ("eva", "message", "other_template"),
    ]  # fmt: skip
    assert lines[3] == {
        "what": "message", "kind": "other_time", "profile_id": "ben", "flow": "win-back", "template": "hello",
        "at": "2026-03-01T11:00:00Z", "there_template": "hello", "there_at": "2026-03-01T10:00:00Z",
    }  # fmt: skip
    assert comparing.found.people == 4
    assert comparing.found.messages == {"win-back": Counter(only_here=1, other_time=1, only_there=1, other_template=1)}
    assert comparing.found.transitions == {"vip": Counter(other_time=1), "lapsed": Counter(only_there=1)}
    assert [line["profile_id"] for line in comparing.found.first][-1] == "ben"


def test_moves_through_a_segment_that_only_one_side_has_are_no_differences(tmp_path: Path) -> None:
    comparing = Comparing("main", Differences(new=["lookers"], gone=["idlers"]))
    here = [mail("ana", "1"), moved("ana", "lookers"), moved("ben", "lookers"), moved("cleo", "vip", NOW - DAY)]
    lines, comparing = compared(tmp_path, here, [moved("ana", "idlers")], comparing=comparing)
    told = [(line["profile_id"], line["what"]) for line in lines]
    assert told == [("ana", "message"), ("cleo", "segment")]
    assert comparing.found.people == 2
    assert comparing.found.transitions == {"vip": Counter(only_here=1)}
    # The mail comes first, though the move was earlier.
    assert [line["what"] for line in comparing.found.first] == ["message", "segment"]


def test_which_segments_are_new_and_which_are_gone_is_seen_from_the_campaigns() -> None:
    ours = publish(read_folder(STARTER))
    theirs = ours.model_copy(update={"segments": {"idlers": ours.segments["vip"], "vip": ours.segments["vip"]}})
    found = Comparing.of("main", ours, theirs).found
    assert found.new == sorted(ours.segments.keys() - {"vip"})
    assert found.gone == ["idlers"]


def test_a_mail_that_the_other_side_decided_against_says_why(tmp_path: Path) -> None:
    dropped = mail("ana", "1", status="dropped", reason="cap_until_expired")
    (line,), _ = compared(tmp_path, [mail("ana", "1")], [dropped])
    assert (line["kind"], line["there_status"], line["there_reason"]) == ("only_here", "dropped", "cap_until_expired")


def test_a_step_that_was_put_before_others_makes_none_of_them_another_mail(tmp_path: Path) -> None:
    here = [mail("ana", "a", run="r"), mail("ana", "b", run="r", at=NOW + DAY)]
    there = [mail("ana", "x", run="r"), mail("ana", "y", run="r", at=NOW + DAY)]
    assert compared(tmp_path, here, there)[0] == []


def test_people_who_turned_out_to_be_one_are_held_against_one(tmp_path: Path) -> None:
    lines, _ = compared(tmp_path, [mail("visitor", "1")], [mail("ana", "1", at=NOW + HOUR)], visitor="ana")
    assert [(line["profile_id"], line["kind"]) for line in lines] == [("ana", "other_time")]
