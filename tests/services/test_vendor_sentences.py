"""Sentences about vendors follow from the figures by rule: what is broken first, what changes, what holds."""

from __future__ import annotations

from qa_audit.domain.statistics import Sample, sample_of, shift
from qa_audit.services.figure_filters import Period
from qa_audit.services.vendor_figures import Figures, Overview, RubricFigures, Vendor
from qa_audit.services.vendor_sentences import survey_against_audits, verdict
from qa_audit.storage.figures import Counts

NOWHERE = Period(None, None, ())


def rubric(title: str, before: float, recent: float | None = None, n: int = 100) -> RubricFigures:
    """Scores around a mean, the last of them around another one."""
    old = sample_of(before + number % 3 - 1 for number in range(n))
    new = sample_of((before if recent is None else recent) + number % 3 - 1 for number in range(n // 3))
    return RubricFigures(title.lower(), title, 85, old + new, shift(old, new))


def vendor(
    name: str = "Acme",
    *rubrics: RubricFigures,
    audits: int = 300,
    fatal: int = 0,
    critical: int = 0,
    survey: float = 4.5,
    limit: float | None = None,
) -> Vendor:
    """A vendor with these figures; the survey has as many marks as there are audits."""
    marks = Sample(audits, survey * audits, survey**2 * audits, survey**3 * audits)
    counts = Counts(audits, audits, 0, 0, audits, fatal, critical, marks)
    return Vendor(name.lower(), name, limit, Figures(name.lower(), name, counts, rubrics, ()))


def test_too_few_audits_say_nothing_else() -> None:
    said = verdict(vendor("Acme", rubric("Brand", 20), audits=9, fatal=9, limit=1), ())
    assert (said.tone, said.words) == ("plain", "Too few to say: 9 of the 10 audits needed.")


def test_what_holds_is_said_with_its_numbers() -> None:
    said = verdict(vendor("Acme", rubric("Brand", 95), rubric("Service", 96)), ())
    assert (said.tone, said.words) == ("good", "Brand 95 and service 96 hold and none of 300 calls is fatal.")


def test_a_limit_is_kept_so_far_until_the_range_lies_under_it() -> None:
    assert "so far within the limit of 1 in 100" in verdict(vendor(limit=1), ()).words
    sure = verdict(vendor(audits=1000, fatal=1, limit=1), ()).words
    assert sure == "1 of 1000 calls is fatal, within the limit of 1 in 100."
    assert "limit" not in verdict(vendor(fatal=4, limit=1), ()).words


def test_more_fatals_than_the_others_are_a_broken_rule() -> None:
    others = (vendor("Best"), vendor("Next", fatal=1))
    said = verdict(vendor("Acme", rubric("Brand", 97), fatal=15), others)
    assert said.tone == "bad"
    assert said.words == "Brand 97 holds, but 5 in 100 calls are fatal: more than the others."


def test_a_limit_is_broken_only_beyond_the_range() -> None:
    said = verdict(vendor(fatal=15, limit=1), ())
    assert (said.tone, said.words) == ("bad", "5 in 100 calls are fatal: over the limit of 1 in 100.")
    assert verdict(vendor(fatal=5, limit=1), ()).tone == "good"


def test_critical_errors_count_against_the_others_too() -> None:
    said = verdict(vendor("Acme", rubric("Brand", 97), critical=30), (vendor("Best", critical=6),))
    assert said.words == "Brand 97 holds, but 10 in 100 calls have a critical error: more than the others."
    assert said.tone == "bad"


def test_a_fall_beyond_noise_is_named_before_what_holds() -> None:
    said = verdict(vendor("Acme", rubric("Brand", 95, 75), rubric("Service", 96)), ())
    assert said.tone == "person"
    assert said.words == (
        "Brand is falling: 75 in the last 4 weeks, 95 before, beyond noise. Service 96 holds."
    )


def test_a_mean_under_the_pass_mark_is_no_strength() -> None:
    said = verdict(vendor("Acme", rubric("Brand", 70)), ())
    assert (said.tone, said.words) == ("person", "Brand is 70, under the pass mark of 85.")


def test_a_rubric_with_few_scores_is_neither_weak_nor_strong() -> None:
    assert verdict(vendor("Acme", rubric("Brand", 20, n=5)), ()).words == "None of 300 calls is fatal."


def test_the_survey_is_held_against_the_audits_where_it_hides_something() -> None:
    best, worst, other = vendor("Best"), vendor("Worst", fatal=15), vendor("Other", survey=3.5)
    assert survey_against_audits(Overview(NOWHERE, (best, other, worst), True)) == (
        "Going by the survey, Worst (4.5) is as good as Best (4.5). The audits tell them apart: 5 in 100 calls of "
        "Worst are fatal, of Best none of 300."
    )


def test_nothing_is_said_where_survey_and_audits_agree_or_nobody_is_to_be_compared() -> None:
    best, worst = vendor("Best"), vendor("Worst", fatal=15)
    assert survey_against_audits(Overview(NOWHERE, (best, worst), False)) is None
    assert survey_against_audits(Overview(NOWHERE, (worst,), True)) is None
    assert survey_against_audits(Overview(NOWHERE, (best, vendor("Even")), True)) is None
    low = vendor("Worst", fatal=15, survey=3.0)
    assert survey_against_audits(Overview(NOWHERE, (best, low), True)) is None
    few = vendor("Worst", fatal=4, audits=8)
    assert survey_against_audits(Overview(NOWHERE, (best, few), True)) is None
