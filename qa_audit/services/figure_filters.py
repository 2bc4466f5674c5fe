"""Which audits the figures of vendors count: the filter in an address, and the days that it means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

from qa_audit.errors import Invalid
from qa_audit.services import list_filters
from qa_audit.storage.audited_calls import Kind

PERIODS = ("4", "13", "26", "all")
KINDS: tuple[Kind, ...] = ("all", "not_passed", "fatal", "critical")
_LINE = re.compile(r"[a-z0-9-]{1,100}/[a-z0-9-]{1,100}")
_LONGEST = 200


@dataclass(frozen=True)
class FigureFilter:
    """Which audits count: of the last weeks or of certain days (both included), with or without history.

    `period` is a number of weeks that end with the last audit, or `all`; days win over it. The rest chooses
    among the audits behind a figure: `show` their kind, `line` a failing line as rubric/criterion.
    """

    period: str = "26"
    since: date | None = None
    until: date | None = None
    with_sample: bool = True
    team: str | None = None
    agent: str | None = None
    show: Kind = "all"
    line: str | None = None
    page: int = 1


@dataclass(frozen=True)
class Period:
    """The days that count, both included; None where nothing bounds them. `weeks` are their Mondays."""

    since: date | None
    until: date | None
    weeks: tuple[date, ...]


def parse_filter(query: Iterable[tuple[str, str]]) -> FigureFilter:
    """Read a filter from the pairs of a query string; empty values filter nothing.

    Names: period (4, 13, 26, all), from, to (days as 2026-11-02), sample (yes, no), team, agent, show, line,
    page. Raises Invalid that names every parameter which is unknown or of the wrong form.
    """
    values: dict[str, object] = {}
    errors: dict[str, str] = {}
    for name, given in query:
        value = given.strip()
        if name not in _PARAMETERS:
            errors[name] = f"is no parameter here; there are {', '.join(_PARAMETERS)}"
        elif value:
            field, read = _PARAMETERS[name]
            try:
                values[field] = read(value)
            except ValueError as error:
                errors[name] = str(error)
    if errors:
        raise Invalid("The filter cannot be used.", errors)
    return FigureFilter(**values)  # type: ignore[arg-type]


def query_of(filter: FigureFilter) -> dict[str, str]:
    """Return the filter as the parameters of an address: `parse_filter` backwards."""
    usual = FigureFilter()
    shown = {
        name: value
        for name, (field, _) in _PARAMETERS.items()
        if (value := getattr(filter, field)) != getattr(usual, field)
    }
    return {name: "no" if name == "sample" else str(value) for name, value in shown.items()}


def period_of(filter: FigureFilter, first: date | None, last: date | None) -> Period:
    """Return the days that a filter means, where the audited calls are from `first` to `last`."""
    since, until = filter.since, filter.until
    if first is None or last is None:
        return Period(since, until, ())
    if since is None and until is None and filter.period != "all":
        since = monday(last) - timedelta(weeks=int(filter.period) - 1)
        until = monday(last) + timedelta(days=6)
    begin, end = monday(max(first, since or first)), monday(min(last, until or last))
    number = (end - begin).days // 7 + 1
    return Period(since, until, tuple(begin + timedelta(weeks=week) for week in range(number)))


def monday(day: date) -> date:
    """Return the Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return value

    return read


def _sample(value: str) -> bool:
    return _one_of("yes", "no")(value) == "yes"


def _matching(pattern: re.Pattern[str], words: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(f"must be {words}")
        return value

    return read


def _name(value: str) -> str:
    if len(value) > _LONGEST or "\0" in value:
        raise ValueError(f"must be a name of at most {_LONGEST} characters")
    return value


def _kind(value: str) -> Kind:
    return cast(Kind, _one_of(*KINDS)(value))


def _page(value: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,5}", value):
        raise ValueError("must be a number from 1")
    return int(value)


_PARAMETERS: dict[str, tuple[str, Callable[[str], object]]] = {
    "period": ("period", _one_of(*PERIODS)),
    "from": ("since", list_filters.day),
    "to": ("until", list_filters.day),
    "sample": ("with_sample", _sample),
    "team": ("team", _matching(list_filters.ID, "a team's id")),
    "agent": ("agent", _name),
    "show": ("show", _kind),
    "line": ("line", _matching(_LINE, "a rubric and a criterion, such as service-quality/restates")),
    "page": ("page", _page),
}
