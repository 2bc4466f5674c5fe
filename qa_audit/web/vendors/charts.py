"""A vendor's weeks as a drawing: places are worked out here, so that the page needs no script."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby

from qa_audit.domain.statistics import Sample
from qa_audit.services.vendor_figures import RECENT_WEEKS, Course
from qa_audit.web.pages import Tone
from qa_audit.web.templating import NOTHING, count, day, percent
from qa_audit.web.vendors.pages import Chart, Level, Mark, Point, WeekLine

LEFT, RIGHT, TOP, BOTTOM = 30.0, 470.0, 12.0, 132.0
"""The field of the drawing, which is 480 wide and 156 high."""

FEW = 5
"""A week with fewer audits is drawn hollow."""


def chart(course: Course, weeks: Sequence[date]) -> Chart:
    """Lay one rubric's weeks out; scores run from a round number under everything shown up to 100."""
    rubric, change = course.rubric, course.rubric.change
    shown = weeks[-len(course.weeks) :]
    means = [sample.mean for sample in course.weeks if sample.mean is not None]
    least = min(90.0, *(value // 10 * 10 for value in (*means, rubric.pass_mark)))
    at = _Scale(len(shown), least)
    points = {
        number: Point(at.x(number), at.y(sample.mean), _words(week, sample), sample.n < FEW)
        for number, (week, sample) in enumerate(zip(shown, course.weeks, strict=True))
        if sample.mean is not None
    }
    begin = len(shown) - RECENT_WEEKS
    recent = at.x(begin) - at.step / 2 if begin > 0 else None
    levels = []
    if recent is not None and change.direction != "unknown":
        levels = [
            Level(LEFT, recent, at.y(change.before.mean or 0.0), percent(change.before.mean)),
            Level(recent, RIGHT, at.y(change.recent.mean or 0.0), percent(change.recent.mean)),
        ]
    return Chart(
        title=rubric.title,
        words=change_words(course),
        tone=_tone(course),
        path=_path(points),
        points=tuple(points.values()),
        levels=tuple(levels),
        pass_mark=Mark(at.y(rubric.pass_mark), f"pass mark {rubric.pass_mark:g}"),
        rows=(Mark(at.y(100), "100"), Mark(at.y(least), f"{least:.0f}")),
        columns=_columns(shown, at),
        recent=recent,
        weeks=tuple(
            WeekLine(day(week), percent(sample.mean) if sample.n else NOTHING, sample.n)
            for week, sample in zip(reversed(shown), reversed(course.weeks), strict=True)
        ),
    )


def change_words(course: Course) -> str:
    """Say in a sentence whether the last weeks differ from those before, beyond noise or not."""
    change = course.rubric.change
    if change.direction == "unknown":
        return f"Too few audits to say whether it changes: {change.reason}."
    told = (
        f"{percent(change.recent.mean)} in the last {RECENT_WEEKS} weeks ({count(change.recent.n, 'audit')}), "
        f"{percent(change.before.mean)} in the weeks before ({change.before.n})"
    )
    if change.direction == "steady":
        return f"No change beyond noise: {told}."
    return f"{'Falls' if change.direction == 'falls' else 'Rises'} beyond noise: {told}."


class _Scale:
    """Where a week and a score lie in the drawing."""

    def __init__(self, weeks: int, least: float) -> None:
        self.step = (RIGHT - LEFT) / max(1, weeks)
        self.least = least

    def x(self, week: int) -> float:
        return round(LEFT + self.step * (week + 0.5), 1)

    def y(self, score: float) -> float:
        return round(BOTTOM - (score - self.least) / (100 - self.least) * (BOTTOM - TOP), 1)


def _path(points: dict[int, Point]) -> str:
    """Join the weeks that follow each other; a week without audits is a gap."""
    runs = groupby(enumerate(sorted(points)), key=lambda pair: pair[1] - pair[0])
    lines = []
    for _, run in runs:
        places = [points[number] for _, number in run]
        lines.append("M" + " L".join(f"{place.x} {place.y}" for place in places))
    return " ".join(lines)


def _columns(weeks: Sequence[date], at: _Scale) -> tuple[Mark, ...]:
    """Name the first week of each month, as far apart as their words are wide."""
    found: list[Mark] = []
    for number, week in enumerate(weeks):
        is_new = number == 0 or week.month != weeks[number - 1].month
        if is_new and (not found or at.x(number) - found[-1].at > 50):
            found.append(Mark(at.x(number), f"{week.day} {week:%b}"))
    return tuple(found)


def _words(week: date, sample: Sample) -> str:
    return f"week of {week.day} {week:%b}: {percent(sample.mean)}, {count(sample.n, 'audit')}"


def _tone(course: Course) -> Tone:
    return "person" if course.rubric.change.direction == "falls" else "plain"
