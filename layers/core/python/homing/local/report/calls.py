"""The section of calls: what other systems would have been told."""

from __future__ import annotations

from collections import Counter

from homing.local.report.numbers import Numbers
from homing.local.report.parts import section
from homing.local.report.text import esc, humanise


def calls(numbers: Numbers) -> str:
    """Webhooks by flow, with how often and about how many people."""
    made = numbers.facts.outputs.calls
    if not made:
        return ""
    often = Counter((call.webhook, call.flow) for call in made)
    people = Counter((webhook, flow) for webhook, flow, _ in {(c.webhook, c.flow, c.profile_id) for c in made})
    rows = "".join(
        f'<tr><th scope="row">{esc(webhook)}</th><td>{esc(humanise(flow))}</td>'
        f'<td class="n" data-name="Calls">{number:,}</td><td class="n" data-name="People">{people[webhook, flow]:,}</td></tr>'
        for (webhook, flow), number in often.most_common()
    )
    lead = (
        "Flows told other systems something. Here nobody was called: what would have been said stands in calls.jsonl."
    )
    table = (
        '<div class="card scroll"><table class="stack"><thead><tr><th scope="col">Webhook</th><th scope="col">Flow</th>'
        '<th scope="col" class="n">Calls</th><th scope="col" class="n">People</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
    return section("calls", "What other systems would have been told", lead, table)
