"""Figures as a page says them: a value, its base and range, and the address of the calls behind it."""

from __future__ import annotations

from collections.abc import Callable

from qa_audit.domain.statistics import Rate, Sample
from qa_audit.services.vendor_figures import Figures, RubricFigures
from qa_audit.web.pages import Tone
from qa_audit.web.templating import NOTHING, count, percent
from qa_audit.web.vendors.pages import Cell

TOO_FEW = "too few to say"
SCORES = (0.0, 100.0)
MARKS = (1.0, 5.0)

Address = Callable[..., str]
"""Gives the address of the audits behind a figure: `show` is their kind."""


def cells(figures: Figures, calls: str | None, behind: Address) -> tuple[Cell, ...]:
    """Return a group's figures in the order of `headings`."""
    counts = figures.counts
    return (
        survey_cell(counts.survey, calls),
        Cell("Calls", f"{counts.calls:,}", "", calls),
        Cell("Audits", f"{counts.audits:,}", _undetermined(figures), behind() if counts.audits else None),
        rate_cell("Not passed", figures.not_passed, behind(show="not_passed")),
        rate_cell("Fatal", figures.fatal, behind(show="fatal"), "bad"),
        rate_cell("Critical", figures.critical, behind(show="critical")),
        *(score_cell(rubric, behind()) for rubric in figures.rubrics),
    )


def headings(figures: Figures) -> tuple[str, ...]:
    """Return the headings of a group's figures."""
    usual = ("Survey, of 5", "Calls", "Audits", "Not passed", "Fatal", "Critical")
    return (*usual, *(rubric.title for rubric in figures.rubrics))


def rate_cell(heading: str, rate: Rate, address: str, tone: Tone = "plain") -> Cell:
    """Write a rate with base and range; too few to say is said with the count, which is never hidden."""
    if not rate.base:
        return Cell(heading, NOTHING, "no audits")
    counted = f"{rate.count} of {rate.base}"
    link = address if rate.count else None
    if rate.too_few is not None:
        return Cell(heading, counted, TOO_FEW, link, tone if rate.count else "plain")
    value = f"{percent((rate.share or 0.0) * 100)} %"
    return Cell(heading, value, f"{counted} · {range_words(rate)}", link, tone if rate.count else "plain")


def range_words(rate: Rate) -> str:
    """Write the range of a rate: 3 to 8 %."""
    low, high = (share * 100 for share in rate.range)
    return f"{low:.1f} to {high:.1f} %" if high < 20 else f"{low:.0f} to {high:.0f} %"


def score_cell(rubric: RubricFigures, address: str) -> Cell:
    """Write a mean score with base and range, and whether it changes."""
    scores = rubric.scores
    if not scores.n or scores.mean is None:
        return Cell(rubric.title, NOTHING, "no audits")
    if scores.too_few is not None:
        return Cell(rubric.title, percent(scores.mean), f"of {scores.n} · {TOO_FEW}", address)
    words = {"falls": "falling", "rises": "rising"}.get(rubric.change.direction, "")
    tone: Tone = "person" if words == "falling" else "plain"
    return Cell(rubric.title, percent(scores.mean), mean_words(scores, SCORES), address, tone, words)


def survey_cell(marks: Sample, calls: str | None) -> Cell:
    """Write the mean mark of the survey and how many calls have one; it leads to the calls."""
    if not marks.n or marks.mean is None:
        return Cell("Survey, of 5", NOTHING, "no marks")
    base = f"of {count(marks.n, 'mark')}"
    note = f"{base} · {TOO_FEW}" if marks.too_few else base
    return Cell("Survey, of 5", f"{marks.mean:.1f}", note, calls)


def mean_words(sample: Sample, bounds: tuple[float, float]) -> str:
    """Write base and range of a mean."""
    low, high = sample.range(*bounds)
    return f"of {sample.n} · {low:.0f} to {high:.0f}"


def _undetermined(figures: Figures) -> str:
    return f"{figures.undetermined} not settled" if figures.undetermined else ""
