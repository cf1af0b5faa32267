"""What flows do besides mailing, in the shop's story: wait for something, say something of people, put them on lists, call
other systems, start other flows, begin again after a time, and change while people are on their way.

Somebody starts a trial; the flow waits for them to use it. At noon another version of it is deployed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from homing.domain.time import HOUR
from tests.faults.calls import CRM, LOG
from tests.faults.when import moment

if TYPE_CHECKING:
    from tests.faults.shop import Story

WEBHOOKS: dict[str, Any] = {"crm": {"url": CRM, "identify": ["user_id"], "traits": ["plan"]}, "log": {"url": LOG}}
# The position of the step that waits.
WAITS = "3"
# When the other version is deployed, and when the CRM is down.
DEPLOYED, DOWN = "1 12:00:20", ("1 08:30", "1 09:45")
# Who uses the trial, and when; and under which message id it is told.
USED_AT = {
    "pia": "1 10:10",
    "rob": "1 13:00",
    "sue": "1 08:44:10",
    "tom": "1 14:00",
    "una": "1 12:20",
    "wes": "1 10:00",
    "xia": "1 14:44:57",
    "zoe": "1 14:46:20",
}
USED = {user: f"used-{user}" for user in USED_AT}
PEOPLE = ("pia", "quin", "rob", "sue", "tom", "una", "vic", "wes", "xia", "yan", "zoe")
# Who is asked something: a split after an hour, and a branch after another. By the id of the device abe stands in the other
# arm.
POLLED = ("abe", "bea", "cas", "dee")
ARMS, KIOSK = ("left", "right"), "kiosk-1"
ANSWERED_AT = {"bea": "1 11:11:02", "cas": "1 09:50"}
# Which way each goes when nothing goes wrong.
WAYS = {
    "pia": "then", "quin": "else", "rob": "else", "sue": "then", "tom": "then", "una": "else", "wes": "then", "xia": "then",
    "yan": "else", "zoe": "else",
}  # fmt: skip
# What a version says in the end of somebody who did not use it, and how long it waits.
SAID = {False: ("unused", 6 * HOUR), True: ("lapsed", 3 * HOUR)}


def flows(*, changed: bool) -> list[dict[str, Any]]:
    """Four flows; ``changed`` as they are from noon on."""
    unused, within = SAID[changed]

    def way(told: str) -> list[dict[str, Any]]:
        return [{"call": "log", "data": {"way": told}}, {"add_to": told}]

    then = [
        {"update": {"trial": "used"}},
        {"send": "glad"},
        {"start": "sequel", "data": {"why": "used"}},
        {"call": "crm"},
    ]
    other = [{"update": {"trial": unused}}, {"remove_from": "triers"}, {"send": "pity"}, {"call": "log"}]
    return [
        {"name": "trial", "on": {"did": "Trial Started", "brings": ["plan"]}, "max_age": "6d", "topic": "letters",
         "when_changed": "finish",
         "steps": [
             {"update": {"trial": "open", "plan": {"trigger": "event.plan"}}},
             {"add_to": "triers"},
             {"call": "crm", "data": {"plan": {"trigger": "event.plan"}}},
             {"wait_for": {"did": "Trial Used"}, "within": f"{within // HOUR}h", "then": then, "else": other},
             {"wait": "2h"},
             {"call": "log"},
         ]},
        {"name": "sequel", "on": "flow_requested", "max_age": "6d", "topic": "letters",
         "steps": [{"add_to": "sequels"}, {"call": "log", "data": {"why": {"trigger": "data.why"}}}]},
        {"name": "tip", "on": {"did": "Tip Wanted"}, "again_after": "2d", "max_age": "6d", "topic": "letters",
         "steps": [{"add_to": "tipped"}]},
        {"name": "poll", "on": {"did": "Poll Opened"}, "max_age": "6d",
         "steps": [
             {"wait": "1h"},
             {"split": "poll", "ways": [{"arm": arm, "percent": 50, "then": way(arm)} for arm in ARMS]},
             {"wait": "1h"},
             {"if": {"did": "Poll Answered", "within": "6d"}, "then": way("yes"), "else": way("no")},
         ]},
    ]  # fmt: skip


def tell(story: Story, deploy: Callable[[], None]) -> None:
    """What happens to these people."""
    world = story.world
    for number, user in enumerate((*PEOPLE, *POLLED)):
        story.knows(f"1 07:{44 + number}", user)

    def starts(time: str, user: str = "", device: str = "") -> None:
        story.did(time, "Trial Started", user=user, device=device, plan="gold" if user == "pia" else "free")

    def uses(user: str, told: str = "") -> None:
        story.did(told or USED_AT[user], "Trial Used", user=user, id=USED[user], happened=USED_AT[user])

    story.at(DOWN[0], lambda: world.systems.down.update({CRM: moment(DOWN[1])}))
    story.at(DEPLOYED, deploy)
    # Pia uses it, quin never does; rob did, offline, and is heard of right after he was given up; sue is quick.
    starts("1 08:40", "pia")
    uses("pia")
    starts("1 08:41", "quin")
    starts("1 08:42", "rob")
    uses("rob", told="1 14:42:20")
    starts("1 08:44", "sue")
    uses("sue")
    # Xia uses it in the last seconds, zoe when her time is up and nobody has looked yet.
    starts("1 08:45", "xia")
    uses("xia")
    starts("1 08:46:05", "zoe")
    uses("zoe")
    # After noon another version waits for three hours. Una used it before she started, and that is heard of in between.
    starts("1 12:30", "tom")
    uses("tom")
    starts("1 12:31", "una")
    uses("una", told="1 12:50")
    # Yan started an hour before the change, and is heard of after it.
    story.did("1 12:05", "Trial Started", user="yan", happened="1 11:00", plan="free")
    # Wes starts on a device where he logs in later.
    starts("1 09:00", device="tablet")
    story.knows("1 09:30", "wes", device="tablet")
    uses("wes")
    # Abe opens a poll on a device, and logs in right after he was put into an arm by it; bea answers right after she was
    # taken for somebody who does not.
    story.did("1 09:10:30", "Poll Opened", device=KIOSK)
    story.knows("1 10:11:02", "abe", device=KIOSK)
    for user in ("bea", "cas", "dee"):
        story.did("1 09:10:30", "Poll Opened", user=user)
    for user, time in ANSWERED_AT.items():
        story.did(time, "Poll Answered", user=user, id=f"answered-{user}")
    # Vic wants tips, too soon again, and again later.
    for time in ("1 08:50", "1 11:00", "3 13:00"):
        story.did(time, "Tip Wanted", user="vic")
