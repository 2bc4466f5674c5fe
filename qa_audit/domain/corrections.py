"""What reviewers make of the machine's answers: how often they keep them, and what may be said of the next one.

History belongs to a check, not to a version: versions in which a line is judged by the same rule share it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from qa_audit.domain import agreement
from qa_audit.domain.checks.phrases import variables_in
from qa_audit.domain.findings import Certainty
from qa_audit.domain.rubric import Criterion, Rubric
from qa_audit.domain.statistics import LEAST, Rate, Z

LEAST_FOR_PERCENT = 50
WIDEST_FOR_PERCENT = 0.1
"""A percentage stands beside a certainty only with so many audits, and a 95 % range of the share this narrow."""

LEAST_KEPT = 0.9
LEAST_AGREEMENT = 0.8
"""A check is a defect when the share kept, or AC1, lies beyond doubt under these (the 95 % range's upper end)."""

Table = Mapping[agreement.Pair, int]
"""How often the machine's answer (first) met the person's (second)."""


@dataclass(frozen=True)
class Kept:
    """How often reviewers kept the machine's answers of one certainty.

    `percent` is what may be said of the next answer, by Laplace's rule (kept + 1) / (base + 2), so that it never
    promises everything; None while the history is too short, when the certainty is told in words alone.
    """

    certainty: Certainty
    rate: Rate

    @property
    def percent(self) -> int | None:
        """Return the calibrated percentage, or None while the history is too short for one."""
        low, high = self.rate.range
        if self.rate.base < LEAST_FOR_PERCENT or high - low > WIDEST_FOR_PERCENT:
            return None
        return round(100 * (self.rate.count + 1) / (self.rate.base + 2))

    @property
    def words(self) -> str:
        """Say it with its base: in 48 of 50 audits reviewers kept this."""
        return f"in {self.rate.count} of {self.rate.base} audits reviewers kept this"


@dataclass
class History:
    """The machine's settled answers to one check beside people's, and how many lines it left to them.

    `accepted` counts people's answers that were the machine's, taken over without a word of their own.
    """

    pairs: Counter[tuple[Certainty, str, str]] = field(default_factory=Counter)
    open: int = 0
    accepted: int = 0

    def add(self, certainty: Certainty | None, machine: str | None, human: str, accepted: bool) -> None:
        """Count one line that both answered, or that the machine left open (`machine` is None)."""
        if machine is None:
            self.open += 1
            return
        self.pairs[certainty or "sure", machine, human] += 1
        self.accepted += accepted

    @property
    def table(self) -> Table:
        """Return how often which answers met, whatever the certainty."""
        found: Counter[agreement.Pair] = Counter()
        for (_, machine, human), count in self.pairs.items():
            found[machine, human] += count
        return found

    @property
    def kept(self) -> Rate:
        """Return how many of the machine's answers reviewers kept."""
        table = self.table
        return Rate(sum(n for (one, other), n in table.items() if one == other), sum(table.values()))

    def kept_when(self, certainty: Certainty) -> Kept:
        """Return how many of the answers of one certainty they kept."""
        found = {pair[1:]: n for pair, n in self.pairs.items() if pair[0] == certainty}
        same = sum(n for (one, other), n in found.items() if one == other)
        return Kept(certainty, Rate(same, sum(found.values())))

    @property
    def kappa(self) -> float | None:
        """Return Cohen's kappa; None where nothing varies."""
        return agreement.cohen_kappa(list(Counter(self.table).elements()))

    @property
    def is_defect(self) -> bool:
        """Say whether reviewers change this check's answers too often for chance to explain it."""
        kept = self.kept
        if kept.base < LEAST:
            return False
        corrected = ac1_range(self.table)
        return kept.range[1] < LEAST_KEPT or (corrected is not None and corrected[1] < LEAST_AGREEMENT)


def ac1(table: Table) -> float | None:
    """Return Gwet's AC1 of two raters from their table (see `agreement.gwet_ac1`)."""
    return _ac1(table, len(_answers(table)))


def ac1_range(table: Table) -> tuple[float, float] | None:
    """Return the 95 % range of AC1 by the jackknife over calls; None where AC1 is not defined.

    B. Efron and C. Stein, Ann. Stat. 9 (1981) 586-596: the spread of the values with one call left out, times
    (n - 1) / n. Calls with the same two answers give the same value, so that each kind is left out once.
    """
    n, kinds = sum(table.values()), len(_answers(table))
    whole = ac1(table)
    if whole is None or n < 2:
        return None
    without = [(count, _ac1({**table, pair: count - 1}, kinds)) for pair, count in table.items() if count]
    values = [(count, whole if value is None else value) for count, value in without]
    mean = sum(count * value for count, value in values) / n
    spread = math.sqrt((n - 1) / n * sum(count * (value - mean) ** 2 for count, value in values))
    return max(-1.0, whole - Z * spread), min(1.0, whole + Z * spread)


def check_id(rubric: Rubric, criterion: Criterion) -> str:
    """Return a name of the rule by which the machine answers a criterion: equal rules have equal names.

    What counts is the check, when it applies, its scale, and the variables that these mention.
    """
    rule: dict[str, Any] = criterion.model_dump(
        mode="json",
        by_alias=True,
        include={"id", "check", "when", "na_when", "not_assessed_when", "scale"},
    )
    names = {name for text in _texts(rule) for name in variables_in(text)}
    rule["variables"] = {name: rubric.variables[name] for name in sorted(names & rubric.variables.keys())}
    rule["variables_for"] = [
        one.model_dump(mode="json") for one in rubric.variables_for if names & one.set.keys()
    ]
    rule["not_for"] = rubric.not_for.model_dump(mode="json")
    return hashlib.sha256(json.dumps(rule, sort_keys=True).encode()).hexdigest()


def _answers(table: Table) -> set[str]:
    return {answer for pair, count in table.items() if count for answer in pair}


def _ac1(table: Table, kinds: int) -> float | None:
    n = sum(table.values())
    if kinds < 2 or not n:
        return None
    shares: Counter[str] = Counter()
    same = 0
    for (one, other), count in table.items():
        shares[one] += count
        shares[other] += count
        same += count if one == other else 0
    expected = sum(part / (2 * n) * (1 - part / (2 * n)) for part in shares.values()) / (kinds - 1)
    return (same / n - expected) / (1 - expected)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for below in value.values():
            yield from _texts(below)
    elif isinstance(value, list):
        for below in value:
            yield from _texts(below)
