"""The checks of the ten thousand mails find every breach that is planted."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from benchmarks import mail_story
from benchmarks.mail_checks import Checks
from benchmarks.mail_story import Person
from benchmarks.mail_worlds import InMemory
from homing.adapters.files import read_folder
from homing.domain.content.publish import publish
from homing.domain.time import DAY, HOUR, MINUTE
from homing.local.mail import SentMail

Story = tuple[list[Person], list[SentMail]]
pytestmark = pytest.mark.xdist_group("mail_checks")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = mail_story.folder(tmp_path_factory.mktemp("story") / "campaigns")
    rng = random.Random(5)
    everybody = mail_story.people(120, rng)
    world = InMemory(publish(read_folder(folder)))
    for _ in mail_story.play(everybody, rng, world):
        pass
    return everybody, world.mails


def broken(people: list[Person], mails: list[SentMail]) -> list[str]:
    return [
        promise
        for promise, _, kept in Checks({person.email: person for person in people}, mails).verdicts()
        if not kept
    ]


def test_a_story_of_a_hundred_people_keeps_every_promise(played: Story) -> None:
    people, mails = played
    assert len(mails) > 200
    assert broken(people, mails) == []


def moved(mail: SentMail, at: int) -> SentMail:
    return replace(mail, sent_at=at)


def to(person: Person, mail: SentMail) -> SentMail:
    return replace(mail, recipient=person.email)


def test_a_mail_for_somebody_else_is_found(played: Story) -> None:
    people, mails = played
    other = next(person for person in people if person.agreed and person.email != mails[0].recipient)
    assert broken(people, [to(other, mails[0]), *mails[1:]])[0].startswith("each mail personal")


def test_a_cart_mail_with_another_cart_is_found(played: Story) -> None:
    people, mails = played
    carts = [mail for mail in mails if mail.tags["homing_flow"] == "cart"]
    owner = next(person for person in people if person.email == carts[0].recipient)
    other = replace(owner, carts={token: {"Nothing"} for token in owner.carts})
    assert broken([person for person in people if person is not owner] + [other], mails) == [
        "each mail personal: their own name, link and cart"
    ]


def test_a_mail_twice_is_found(played: Story) -> None:
    people, mails = played
    assert "none twice, none that nobody asked for or that came too late" in broken(people, [*mails, mails[0]])


def test_a_mail_that_nobody_asked_for_is_found(played: Story) -> None:
    people, mails = played
    asked = [replace(person, asked={}) if person.email == mails[0].recipient else person for person in people]
    assert broken(asked, mails) == ["none twice, none that nobody asked for or that came too late"]


def test_a_mail_after_it_expired_is_found(played: Story) -> None:
    people, mails = played
    assert "none twice, none that nobody asked for or that came too late" in broken(
        people, [moved(mails[0], mails[0].sent_at + 14 * DAY), *mails[1:]]
    )


def test_a_mail_above_a_cap_is_found(played: Story) -> None:
    people, mails = played
    counts = [mail.recipient for mail in mails]
    often = next(name for name in counts if counts.count(name) >= 3)
    own = [mail for mail in mails if mail.recipient == often]
    at = own[1].sent_at
    close = [moved(mail, at + index * MINUTE) for index, mail in enumerate(own[:3])]
    rest = [mail for mail in mails if mail.recipient != often]
    assert "no frequency cap violated in any rolling window" in broken(people, rest + close)


@pytest.mark.parametrize(
    ("flow", "hour", "promise"),
    [("news", 23, "none in the quiet hours where they live"), ("offer", 20, "none outside the send window")],
)
def test_a_mail_at_the_wrong_hour_where_they_live_is_found(played: Story, flow: str, hour: int, promise: str) -> None:
    people, mails = played
    utc = {person.email: replace(person, zone="Etc/UTC") for person in people}
    one = next(mail for mail in mails if mail.tags["homing_flow"] == flow)
    late = moved(one, one.sent_at // DAY * DAY + hour * HOUR)
    checks = Checks({one.recipient: utc[one.recipient]}, [late])
    assert promise in [said for said, _, kept in checks.verdicts() if not kept]


def test_a_mail_to_who_ended_it_or_never_agreed_is_found(played: Story) -> None:
    people, mails = played
    for change in ({"agreed": False}, {"ended_at": mails[0].sent_at}):
        changed = [replace(person, **change) if person.email == mails[0].recipient else person for person in people]
        assert "none to who did not agree, or ended it before" in broken(changed, mails)


def test_a_mail_to_who_bounced_is_found(played: Story) -> None:
    people, mails = played
    changed = [
        replace(person, silenced_at=mails[0].sent_at) if person.email == mails[0].recipient else person
        for person in people
    ]
    assert broken(changed, mails) == ["none to who bounced or complained before"]


def test_a_mail_to_who_is_held_out_is_found(played: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    people, mails = played
    monkeypatch.setitem(mail_story.HOLDOUTS, "holdout", 60)
    assert broken(people, mails) == ["none to people who are held out"]
