"""What a vendor's figures say, in plain sentences that follow from the figures by rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from qa_audit.domain.statistics import LEAST, Rate, is_more_often
from qa_audit.services.vendor_figures import RECENT_WEEKS, Overview, RubricFigures, Vendor

AS_GOOD = 0.15
"""Survey means (of 5) that lie this near look the same to whoever reads them with one decimal."""


@dataclass(frozen=True)
class Verdict:
    """A sentence, and how grave it is: rules broken, a person should look, nothing, or too few to say."""

    tone: Literal["bad", "person", "good", "plain"]
    words: str


def verdict(vendor: Vendor, others: Sequence[Vendor]) -> Verdict:
    """Say what a vendor's figures come to: what breaks rules first, then what changes, then what holds.

    Without `others` it is held against its contract and its own past alone.
    """
    figures = vendor.figures
    if figures.counts.audits < LEAST:
        return Verdict("plain", f"Too few to say: {figures.counts.audits} of the {LEAST} audits needed.")
    broken = _broken(vendor, others)
    weak = [words for rubric in figures.rubrics if (words := _weakness(rubric))]
    holding = [
        rubric for rubric in figures.rubrics if rubric.scores.too_few is None and not _weakness(rubric)
    ]
    kept = f"{_together(_scores(holding))} {'hold' if len(holding) > 1 else 'holds'}" if holding else ""
    if not broken and not weak:
        return Verdict("good", _sentence(_together([kept, _fatals(vendor)]) if kept else _fatals(vendor)))
    if broken and kept:
        return Verdict("bad", _sentence(f"{kept}, but {'; '.join([*broken, *weak])}"))
    words = " ".join(_sentence(part) for part in (*broken, *weak, kept) if part)
    return Verdict("bad" if broken else "person", words)


def survey_against_audits(overview: Overview) -> str | None:
    """Say where two vendors look the same by the survey and the audits tell them apart; None where they do not.

    The pair is the vendor with the highest rate of fatal calls, and the vendor of the lowest one among those
    whose survey mean is as good.
    """
    if not overview.compared:
        return None
    usable = [vendor for vendor in overview.vendors if vendor.figures.counts.survey.too_few is None]
    ordered = sorted(usable, key=lambda vendor: (vendor.figures.fatal.share or 0.0, vendor.name))
    if len(ordered) < 2:
        return None
    worst = ordered[-1]
    for best in ordered[:-1]:
        near = abs(_survey(worst) - _survey(best)) < AS_GOOD
        if near and is_more_often(worst.figures.fatal, best.figures.fatal):
            return (
                f"Going by the survey, {worst.name} ({_survey(worst):.1f}) is as good as {best.name} "
                f"({_survey(best):.1f}). The audits tell them apart: {rate_words(worst.figures.fatal)} calls of "
                f"{worst.name} are fatal, of {best.name} {rate_words(best.figures.fatal)}."
            )
    return None


def rate_words(rate: Rate) -> str:
    """Write a rate so that one can picture it: 5 in 100, 2 of 304, none of 304."""
    if not rate.count:
        return f"none of {rate.base}"
    in_hundred = (rate.share or 0.0) * 100
    return (
        f"{in_hundred:.0f} in 100"
        if in_hundred >= 1.5 and rate.base >= 100
        else f"{rate.count} of {rate.base}"
    )


def _broken(vendor: Vendor, others: Sequence[Vendor]) -> list[str]:
    found = []
    fatal, critical = vendor.figures.fatal, vendor.figures.critical
    reasons = []
    if is_more_often(fatal, _pooled([other.figures.fatal for other in others])):
        reasons.append("more than the others")
    if vendor.limit is not None and fatal.range[0] * 100 > vendor.limit:
        reasons.append(f"over the limit of {vendor.limit:g} in 100")
    if reasons:
        found.append(f"{rate_words(fatal)} calls are fatal: {' and '.join(reasons)}")
    if is_more_often(critical, _pooled([other.figures.critical for other in others])):
        found.append(f"{rate_words(critical)} calls have a critical error: more than the others")
    return found


def _weakness(rubric: RubricFigures) -> str | None:
    change, mean = rubric.change, rubric.scores.mean
    title = rubric.title.lower()
    if change.direction == "falls":
        return (
            f"{title} is falling: {change.recent.mean:.0f} in the last {RECENT_WEEKS} weeks, "
            f"{change.before.mean:.0f} before, beyond noise"
        )
    if rubric.scores.too_few is None and rubric.scores.range(0, 100)[1] < rubric.pass_mark:
        return f"{title} is {mean:.0f}, under the pass mark of {rubric.pass_mark:g}"
    return None


def _scores(rubrics: Sequence[RubricFigures]) -> list[str]:
    return [f"{rubric.title.lower()} {rubric.scores.mean:.0f}" for rubric in rubrics]


def _fatals(vendor: Vendor) -> str:
    fatal = vendor.figures.fatal
    words = f"{rate_words(fatal)} calls {'is' if fatal.count < 2 else 'are'} fatal"
    if vendor.limit is None or (fatal.share or 0.0) * 100 > vendor.limit:
        return words
    so_far = "" if fatal.range[1] * 100 <= vendor.limit else "so far "
    return f"{words}, {so_far}within the limit of {vendor.limit:g} in 100"


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _together(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1]))) if parts else ""


def _pooled(rates: Sequence[Rate]) -> Rate:
    return Rate(sum(rate.count for rate in rates), sum(rate.base for rate in rates))


def _survey(vendor: Vendor) -> float:
    return vendor.figures.counts.survey.mean or 0.0
