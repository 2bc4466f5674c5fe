"""What figures can say: rates with a range, means with a base, and whether a difference is more than noise.

Two measures of doubt are used, everywhere the same. A range is the 95 % interval. A difference is called
'beyond noise' only where chance alone would make one so large less than about once in 370 times (three
standard errors, Shewhart's line), because a page shows many figures at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Z = 1.96
"""Standard errors on either side of a 95 % range."""

LEAST = 10
"""Under so many, a rate or a mean is not shown as one: they are 'too few to say'."""

WIDEST = 0.4
"""A rate whose range is wider than this share says nothing: 'too few to say', whatever the base."""

SIGMAS = 3.0
"""A difference of so many standard errors is beyond noise."""

BY_CHANCE = 0.00135
"""The chance of three standard errors to one side, which exact tests are held against."""

LEAST_PER_SIDE = 20
"""A change is judged only with so many values before and after it."""

_NO_SPREAD = 1e-6
"""Sums of squares leave a rest of rounding: a standard deviation under this is none."""

Direction = Literal["falls", "rises", "steady", "unknown"]


@dataclass(frozen=True)
class Rate:
    """`count` of `base` things have a property."""

    count: int
    base: int

    @property
    def share(self) -> float | None:
        """The share from 0 to 1; None without a base."""
        return self.count / self.base if self.base else None

    @property
    def range(self) -> tuple[float, float]:
        """The 95 % range of the share."""
        return wilson(self.count, self.base)

    @property
    def too_few(self) -> str | None:
        """Say why the rate cannot be told from so few, or None where it can."""
        if self.base < LEAST:
            return f"{self.base} of the {LEAST} needed"
        low, high = self.range
        if high - low > WIDEST:
            return f"{self.base}, so it may be anything from {low * 100:.0f} to {high * 100:.0f} %"
        return None


@dataclass(frozen=True)
class Sample:
    """Values as sums: how many, their total, the totals of their squares and of their cubes."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0
    cubes: float = 0.0

    def __add__(self, other: Sample) -> Sample:
        return Sample(
            self.n + other.n,
            self.total + other.total,
            self.squares + other.squares,
            self.cubes + other.cubes,
        )

    @property
    def mean(self) -> float | None:
        """The mean; None without values."""
        return self.total / self.n if self.n else None

    @property
    def deviation(self) -> float:
        """The standard deviation, with n - 1 below; 0 for fewer than two values."""
        if self.n < 2:
            return 0.0
        found = math.sqrt(max(0.0, self.squares - self.total * self.total / self.n) / (self.n - 1))
        return 0.0 if found < _NO_SPREAD else found

    @property
    def skewness(self) -> float:
        """How far the values lean to one side: under 0 where a few are much lower than the rest."""
        if not self.n or not self.deviation:
            return 0.0
        mean, square = self.total / self.n, self.squares / self.n
        third = self.cubes / self.n - 3 * mean * square + 2 * mean**3
        return float(third / (square - mean * mean) ** 1.5)

    @property
    def too_few(self) -> str | None:
        """Say why the mean cannot be told from so few, or None where it can."""
        return f"{self.n} of the {LEAST} needed" if self.n < LEAST else None

    def range(self, least: float, most: float) -> tuple[float, float]:
        """Return the 95 % range of the mean, cut to what a value can be (`least` to `most`)."""
        if not self.n:
            return least, most
        mean, half = self.total / self.n, Z * self.deviation / math.sqrt(self.n)
        return max(least, mean - half), min(most, mean + half)


@dataclass(frozen=True)
class Shift:
    """How the mean of the recent values stands to the mean of those before.

    `sigmas` is the difference in standard errors; `direction` is 'unknown' where `reason` says why.
    """

    before: Sample
    recent: Sample
    sigmas: float
    direction: Direction
    reason: str | None = None


def sample_of(values: Iterable[float]) -> Sample:
    """Sum values up."""
    listed = list(values)
    powers = (math.fsum(value**power for value in listed) for power in (1, 2, 3))
    return Sample(len(listed), *powers)


def wilson(count: int, base: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212.

    Without a base it is everything from 0 to 1. Raises ValueError unless 0 <= count <= base.
    """
    if not 0 <= count <= base:
        raise ValueError("A rate counts some of its base.")
    if not base:
        return 0.0, 1.0
    share, square = count / base, Z * Z
    middle = (share + square / (2 * base)) / (1 + square / base)
    half = Z * math.sqrt(share * (1 - share) / base + square / (4 * base * base)) / (1 + square / base)
    low = 0.0 if count == 0 else max(0.0, middle - half)
    high = 1.0 if count == base else min(1.0, middle + half)
    return low, high


def shift(before: Sample, recent: Sample) -> Shift:
    """Say whether recent values lie lower or higher than those before, beyond noise.

    The test asks what would happen if all values were dealt out to the two times at random: E. J. G. Pitman,
    Suppl. J. R. Stat. Soc. 4 (1937) 119-130. The spread is that of all values together, so that a few recent
    ones which happen to be equal do not look certain.
    """
    fewest = min(before.n, recent.n)
    if fewest < LEAST_PER_SIDE or before.mean is None or recent.mean is None:
        when = "before" if before.n < recent.n else "recently"
        reason = f"{fewest} {when} of the {LEAST_PER_SIDE} needed"
        return Shift(before, recent, 0.0, "unknown", reason)
    spread = (before + recent).deviation * math.sqrt(1 / before.n + 1 / recent.n)
    sigmas = (recent.mean - before.mean) / spread if spread else 0.0
    low, high = noise(before, recent)
    if low < sigmas < high:
        return Shift(before, recent, sigmas, "steady")
    return Shift(before, recent, sigmas, "falls" if sigmas < 0 else "rises")


def noise(before: Sample, recent: Sample) -> tuple[float, float]:
    """Return between how many standard errors a difference of means is noise: -3 and 3, or further out.

    Scores pile up at the top, so that chance alone brings a few low ones together more often than a normal
    curve says. The line is moved out on that side by the lean of dealing them out (E. A. Cornish and
    R. A. Fisher, Rev. Inst. Int. Stat. 5 (1937) 307-320); it is never moved in.
    """
    n, rest = recent.n, before.n
    every = n + rest
    lean = (before + recent).skewness * (rest - n) * math.sqrt((every - 1) / (n * rest)) / (every - 2)
    moved = (SIGMAS * SIGMAS - 1) / 6 * lean
    return min(-SIGMAS, -SIGMAS + moved), max(SIGMAS, SIGMAS + moved)


def is_more_often(here: Rate, elsewhere: Rate) -> bool:
    """Say whether a property is more frequent here than elsewhere, beyond noise; never from too few."""
    if here.base < LEAST or elsewhere.base < LEAST:
        return False
    return fisher(here, elsewhere) < BY_CHANCE


def fisher(here: Rate, elsewhere: Rate) -> float:
    """Return the chance of `here.count` or more, were all things dealt out at random (Fisher's exact test).

    R. A. Fisher, The Design of Experiments (1935), chapter 2; one-sided.
    """
    found, all_things = here.count + elsewhere.count, here.base + elsewhere.base
    whole = _log_choices(all_things, here.base)
    most = min(found, here.base)
    chances = (
        math.exp(_log_choices(found, k) + _log_choices(all_things - found, here.base - k) - whole)
        for k in range(max(here.count, here.base + found - all_things), most + 1)
    )
    return min(1.0, math.fsum(chances))


def _log_choices(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
