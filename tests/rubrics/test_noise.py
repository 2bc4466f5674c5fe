"""Recognition errors make answers unsure, not opposite, and never make up a fatal."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from qa_audit.domain.prescore import check_all
from tests.rubrics.calls import demo_call, noisy, rubrics, scripts

SEEDS = range(1, 7)


@cache
def outcomes(errors: float, low: float, high: float) -> Counter[str]:
    """Count answers that agree, are unsure, or are opposite, and fatals made up, over all calls and seeds."""
    counts: Counter[str] = Counter()
    for seed in SEEDS:
        for script in scripts():
            call = noisy(
                demo_call(script, by_sentence=seed % 2 == 0),
                seed * 100 + int(script["id"]),
                errors=errors,
                changed=(low, high),
            )
            for rubric in rubrics().values():
                findings = check_all(rubric, call)
                for criterion in rubric.criteria:
                    if criterion.check.kind == "manual":
                        continue
                    finding = findings[criterion.id]
                    got = finding.answer if finding.status == "decided" else finding.status
                    wanted = "yes"
                    if criterion.code in script["faults"]:
                        wanted = "no"
                    elif criterion.code in script["na"]:
                        wanted = "not_applicable"
                    kind = "agree" if got == wanted else "unsure" if got == "unsure" else "opposite"
                    counts[kind] += 1
                    counts["fatal made up"] += criterion.fatal and got == "no" and wanted != "no"
    counts["all"] = counts["agree"] + counts["unsure"] + counts["opposite"]
    return counts


@pytest.mark.parametrize(
    "noise", [(0.05, 0.25, 0.65), (0.08, 0.4, 0.95)], ids=["5-percent", "8-percent-overconfident"]
)
def test_noise_makes_answers_unsure_rather_than_opposite(noise: tuple[float, float, float]) -> None:
    counts = outcomes(*noise)
    assert counts["all"] == len(SEEDS) * 12 * 19
    assert counts["opposite"] <= 0.02 * counts["all"], counts
    assert counts["fatal made up"] == 0


def test_ordinary_noise_leaves_at_most_a_tenth_unsure() -> None:
    counts = outcomes(0.05, 0.25, 0.65)
    assert counts["unsure"] <= 0.10 * counts["all"], counts
