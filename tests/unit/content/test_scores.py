"""Which segments rest on RFM scores."""

from __future__ import annotations

from homing.domain.content.publish import publish
from homing.domain.content.scores import scored
from tests.unit.content.support import campaign_files


def test_a_segment_rests_on_scores_by_itself_by_another_segment_or_by_stages() -> None:
    found = publish(
        campaign_files()
        | {
            "segments/best.yaml": b"when: {computed: {rfm_segment: champions}}",
            "segments/best-again.yaml": b"when: {all: [{segment: best}, {trait: {country: DE}}]}",
            "segments/ladies.yaml": b"when: {trait: {rfm_segment: champions}}",
            "segments/regulars.yaml": b"when: {computed: {orders: {at_least: 3}}}",
            "segments/risen.yaml": b"when: {computed: {standing: high}}",
            "attributes/standing.yaml": b"stages:\n  - {name: high, when: {computed: {r_score: {at_least: 4}}}}\n",
        }
    )
    assert scored(found) == ["best", "best-again", "risen"]
