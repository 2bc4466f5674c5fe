"""What `qa-audit rubric` prints: pre-scores, trials and figures as lines, and the figures as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from qa_audit.domain.agreement import AnswerFigures
from qa_audit.domain.evaluation import Evaluation, Figures
from qa_audit.domain.findings import CriterionResult, PreScore
from qa_audit.domain.rubric import Path, Rubric
from qa_audit.domain.rubric.lint import placed
from qa_audit.domain.statistics import Rate
from qa_audit.services.rubric_trials import Trial

EVALUATION = "qa-audit/rubric-evaluation@1"


def summary(rubric: Rubric) -> str:
    """Say in a line what a sound rubric holds."""
    count = len(rubric.criteria)
    return f"fine: {rubric.title}, version {rubric.version}, {count} {'criterion' if count == 1 else 'criteria'}."


def trials(rubric: Rubric, run: Sequence[Trial], lines: Mapping[Path, int]) -> Iterator[str]:
    """Tell every failed example with its reason, then how many passed, then who has no examples."""
    places = {criterion.id: path for path, criterion in placed(rubric)}
    for trial in run:
        if not trial.passed:
            line = lines.get((*places[trial.criterion], "examples", trial.place - 1))
            at = f"line {line}: " if line else ""
            yield (
                f"{at}{trial.criterion}, example {trial.place}: expected {trial.expected}, "
                f"found {trial.found}: {trial.reason}"
            )
    passed = sum(trial.passed for trial in run)
    yield f"{passed} of {len(run)} examples as expected."
    for_people = [c.id for c in rubric.criteria if c.examples and not _is_run(c.id, run)]
    if for_people:
        yield f"Examples for people only, not run: {', '.join(for_people)}."
    without = [criterion.id for criterion in rubric.criteria if not criterion.examples]
    if without:
        yield f"Without examples: {', '.join(without)}."


def _is_run(id: str, run: Iterable[Trial]) -> bool:
    return any(trial.criterion == id for trial in run)


def scored(rubric: Rubric, found: PreScore) -> Iterator[str]:
    """Lay a pre-score out as a table: line, answer, points, reason; then the score."""
    rows = [_row(rubric, line) for line in found.criteria]
    yield f"{rubric.title}, version {rubric.version}"
    yield from aligned(rows)
    score = found.score
    percent = "no score yet" if score.percent is None else f"{score.percent:g} %"
    yield f"Score: {percent} ({score.points:g} of {score.possible:g} points), {score.outcome}, {score.open} open."
    if score.suspected_fatal:
        yield f"Suspected fatal, for a person to hear: {', '.join(score.suspected_fatal)}."


def _row(rubric: Rubric, line: CriterionResult) -> tuple[str, ...]:
    criterion = rubric.criterion(line.id)
    if line.status != "decided" or line.answer is None:
        return line.id, line.status.replace("_", " "), "", "", line.reason
    sure = (line.certainty or "").replace("_", " ")
    answer = criterion.label(line.answer) or line.answer
    return line.id, answer, sure, f"{line.points:g}/{line.possible:g}", line.reason


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Pad every column but the last to its longest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()


def evaluated(rubric: Rubric, found: Evaluation) -> Iterator[str]:
    """Lay the figures out: a table by criterion, the pooled ones with their ranges, and every wrong answer."""
    yield f"{rubric.title}, version {rubric.version}: {found.pooled.labelled} labels in {found.calls} calls"
    if found.ignored:
        yield f"{found.ignored} labels are of lines that this rubric does not have; they were left out."
    head = ("line", "labels", "decided", "unsure", "right", "no: prec.", "recall", "yes: prec.", "recall")
    rows: list[tuple[str, ...]] = [(*head, "kappa", "AC1")]
    rows += [(id, *_cells(one)) for id, one in found.criteria]
    yield from aligned([*rows, ("all", *_cells(found.pooled))])
    pooled = found.pooled
    yield ""
    yield f"Decided: {_ranged(pooled.decided)}; unsure: {_ranged(pooled.unsure)}"
    yield f"Right of the decided: {_ranged(pooled.right)}"
    for one in (*pooled.answers, pooled.together):
        name = one.answer.replace("_", " ")
        yield f"{name}: precision {_ranged(one.precision)}, recall {_ranged(one.recall)}"
    yield f"Agreement corrected for chance: kappa {_ratio(pooled.agreement.kappa)}, AC1 {_ratio(pooled.agreement.ac1)}"
    if found.wrong:
        yield ""
        yield f"Wrong answers ({len(found.wrong)}):"
    for outcome in found.wrong:
        yield (
            f"{outcome.file} ({outcome.call}): {outcome.criterion}: expected {outcome.expected}, "
            f"found {outcome.found}: {outcome.reason}"
        )


def _cells(one: Figures) -> tuple[str, ...]:
    by_answer = {figures.answer: figures for figures in one.answers}
    no, yes = by_answer["no"], by_answer["yes"]
    shares = (one.decided, one.unsure, one.right, no.precision, no.recall, yes.precision, yes.recall)
    figures = (one.agreement.kappa, one.agreement.ac1)
    return str(one.labelled), *map(_percent, shares), *map(_ratio, figures)


def _percent(rate: Rate) -> str:
    return "–" if rate.share is None else f"{rate.share * 100:.1f} %"


def _ranged(rate: Rate) -> str:
    low, high = rate.range
    if rate.share is None:
        return "– (none)"
    return f"{_percent(rate)} ({rate.count} of {rate.base}; {low * 100:.1f} to {high * 100:.1f} %)"


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def evaluation_json(rubric: Rubric, found: Evaluation) -> dict[str, object]:
    """Return the figures as plain data."""
    return {
        "schema": EVALUATION,
        "rubric": {"id": rubric.id, "version": rubric.version, "sha256": rubric.sha256},
        "calls": found.calls,
        "ignored_labels": found.ignored,
        "pooled": _figures_json(found.pooled),
        "criteria": [{"id": id, **_figures_json(one)} for id, one in found.criteria],
        "wrong": [
            {
                "call": outcome.call,
                "file": outcome.file,
                "criterion": outcome.criterion,
                "expected": outcome.expected,
                "found": outcome.found,
                "reason": outcome.reason,
            }
            for outcome in found.wrong
        ],
    }


def _figures_json(one: Figures) -> dict[str, object]:
    return {
        "labelled": one.labelled,
        "manual": one.manual,
        "decided": _rate_json(one.decided),
        "unsure": _rate_json(one.unsure),
        "not_assessed": _rate_json(one.not_assessed),
        "right": _rate_json(one.right),
        "answers": {figures.answer: _answer_json(figures) for figures in one.answers},
        "yes_and_no": _answer_json(one.together),
        "kappa": one.agreement.kappa,
        "ac1": one.agreement.ac1,
    }


def _answer_json(figures: AnswerFigures) -> dict[str, object]:
    return {"precision": _rate_json(figures.precision), "recall": _rate_json(figures.recall)}


def _rate_json(rate: Rate) -> dict[str, object]:
    low, high = rate.range
    return {"count": rate.count, "base": rate.base, "share": rate.share, "low": low, "high": high}
