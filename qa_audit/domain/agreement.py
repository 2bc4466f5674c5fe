"""How well two raters agree, corrected for chance, and how right a machine's decided answers are.

Kappa alone misleads where nearly all answers are alike; AC1 does not, so the two are always shown together
(A. R. Feinstein and D. V. Cicchetti, J. Clin. Epidemiol. 43 (1990) 543-549).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qa_audit.domain.statistics import Rate

Pair = tuple[str, str]
"""One thing answered by two: the label (or first rater's answer), and the answer found."""


@dataclass(frozen=True)
class Agreement:
    """How two raters agree over `n` things; kappa and AC1 are None where they are not defined."""

    n: int
    observed: Rate
    kappa: float | None
    ac1: float | None


@dataclass(frozen=True)
class AnswerFigures:
    """How right the decided answers of one kind are.

    `precision`: of the decided answers that say `answer`, those whose label says so too.
    `recall`: of the decided answers whose label is `answer`, those that say so.
    """

    answer: str
    precision: Rate
    recall: Rate


def agreement(pairs: Iterable[Pair]) -> Agreement:
    """Return raw agreement, Cohen's kappa and Gwet's AC1 of two raters."""
    listed = list(pairs)
    same = sum(one == other for one, other in listed)
    return Agreement(len(listed), Rate(same, len(listed)), cohen_kappa(listed), gwet_ac1(listed))


def cohen_kappa(pairs: Sequence[Pair]) -> float | None:
    """Return kappa = (p_a - p_e) / (1 - p_e), p_e from each rater's own shares of the answers.

    J. Cohen, Educ. Psychol. Meas. 20 (1960) 37-46. None without things, and where both give one answer only:
    without variation there is no chance agreement to correct for.
    """
    n = len(pairs)
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    by_chance = sum(first[answer] * second[answer] for answer in first)
    if not n or by_chance == n * n:
        return None
    observed, expected = sum(one == other for one, other in pairs) / n, by_chance / (n * n)
    return (observed - expected) / (1 - expected)


def gwet_ac1(pairs: Sequence[Pair]) -> float | None:
    """Return AC1 = (p_a - p_e) / (1 - p_e), p_e = sum of s(1 - s) / (q - 1) over the q answers' mean shares s.

    K. L. Gwet, Br. J. Math. Stat. Psychol. 61 (2008) 29-48. None without things and for one answer only.
    """
    return gwet_ac1_of([Counter(pair) for pair in pairs])


def gwet_ac1_of(units: Sequence[Counter[str]]) -> float | None:
    """Return AC1 of any number of raters: for each unit, how many of them gave which answer.

    A unit with one rating adds to the shares of the answers and not to the agreement.
    """
    rated = [unit for unit in units if unit.total()]
    answers = sorted({answer for unit in rated for answer in unit if unit[answer]})
    several = [unit for unit in rated if unit.total() >= 2]
    if len(answers) < 2 or not several:
        return None
    observed = sum(_pair_agreement(unit) for unit in several) / len(several)
    shares = [sum(unit[answer] / unit.total() for unit in rated) / len(rated) for answer in answers]
    expected = sum(share * (1 - share) for share in shares) / (len(answers) - 1)
    return (observed - expected) / (1 - expected)


def _pair_agreement(unit: Counter[str]) -> float:
    ratings = unit.total()
    return sum(count * (count - 1) for count in unit.values()) / (ratings * (ratings - 1))


def answer_figures(pairs: Sequence[Pair], answer: str) -> AnswerFigures:
    """Return precision and recall of one answer over decided answers; `pairs` are (label, found)."""
    right = sum(label == found == answer for label, found in pairs)
    said = sum(found == answer for _, found in pairs)
    labelled = sum(label == answer for label, _ in pairs)
    return AnswerFigures(answer, Rate(right, said), Rate(right, labelled))
