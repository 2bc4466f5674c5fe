"""Pre-score calls: how many a second on one core, and how the cost grows with words and with criteria.

Example: python -m bench.prescore --calls 40 --rounds 3
The rubric has 25 criteria without models of language, the calls last five minutes and have about 800 words; all
differ. The peer, timed in the same run, is a naive loop of compiled regular expressions over the same phrases: it
finds exact words only, and knows no windows, no times, no doubt and no score. Times are of the process (CPU), the
best of some rounds, and the rounds of both take turns. Writes bench/results/prescore.json.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.prescore_calls import WORDS, call_of, changed, criteria, rubric_of, strings
from qa_audit.domain.checks.phrases import phrase_set
from qa_audit.domain.prescore import prescore
from qa_audit.domain.redact import find_spans, mask
from qa_audit.domain.rubric import Rubric
from qa_audit.domain.transcript import Transcript

RESULTS = Path(__file__).parent / "results" / "prescore.json"
GOAL = 300
SIZES = (1, 4, 16)


def expressions(rubric: Rubric, times: int = 1) -> list[re.Pattern[str]]:
    """Write each phrase of the rubric as one regular expression."""
    variables = {
        name: (value,) if isinstance(value, str) else tuple(map(str, value))
        for name, value in rubric.variables.items()
        if isinstance(value, (str, tuple))
    }
    found = []
    for copy in range(times):
        for check in criteria():
            for phrase in strings(changed(check, copy)):
                compiled = phrase_set([phrase], variables)
                options = "|".join(_expression(v) for v in (*compiled.plain, *compiled.slotted))
                found.append(re.compile(rf"\b(?:{options})\b"))
    return found


def _expression(variant: Sequence[str]) -> str:
    forms = {"...": r"(?:\w+ ){0,4}", "<number>": r"\d+ ", "<amount>": r"\d+ \w+ ", "<date>": r"\d+ \w+ \w+ "}
    return "".join(forms.get(w, r"\w+ " if w[0] == "<" else re.escape(w) + " ") for w in variant).strip()


def naive(patterns: Sequence[re.Pattern[str]], transcript: Transcript) -> int:
    """Search for every phrase in everything said, and count those that are found."""
    text = " ".join(segment.text for segment in transcript.segments).lower()
    return sum(pattern.search(text) is not None for pattern in patterns)


def best_of(rounds: int, *runs: Callable[[], object]) -> list[float]:
    """Return the least CPU seconds of each of the runs, which take turns."""
    least = [float("inf")] * len(runs)
    for _ in range(rounds):
        for place, run in enumerate(runs):
            gc.collect()
            begun = time.process_time()
            run()
            least[place] = min(least[place], time.process_time() - begun)
    return least


def measure(calls: int, rounds: int) -> dict[str, Any]:
    """Time everything and return the figures."""
    made = {size: [call_of(n, WORDS * size) for n in range(max(2, calls // size))] for size in SIZES}
    masked = {size: [mask(c.transcript, find_spans(c.transcript)) for c in made[size]] for size in SIZES}
    rubrics = {size: rubric_of(size) for size in SIZES}
    rows = [(1, 1), *((size, 1) for size in SIZES[1:]), *((1, size) for size in SIZES[1:])]
    figures = []
    for words, lines in rows:
        some, shown, rubric = made[words], masked[words], rubrics[lines]
        if lines > 1:
            some, shown = some[: max(2, calls // lines)], shown[: max(2, calls // lines)]
        patterns = expressions(rubric, lines)

        def ours() -> None:
            for call, clean in zip(some, shown, strict=True):  # noqa: B023
                prescore(rubric, call, clean)  # noqa: B023

        def theirs() -> None:
            for call in some:  # noqa: B023
                naive(patterns, call.transcript)  # noqa: B023

        ours()
        own, other = (seconds / len(some) for seconds in best_of(rounds, ours, theirs))
        figures.append(
            {
                "words": round(sum(c.transcript.word_count for c in some) / len(some)),
                "criteria": 25 * lines,
                "phrases": len(patterns),
                "calls_per_second": round(1 / own, 1),
                "milliseconds": round(1000 * own, 3),
                "naive_milliseconds": round(1000 * other, 3),
                "times_naive": round(own / other, 2),
            }
        )
    first = figures[0]
    return {
        "what": "pre-scores per second on one core (CPU time, best of the rounds)",
        "python": platform.python_version(),
        "machine": platform.machine(),
        "rounds": rounds,
        "goal_calls_per_second": GOAL,
        "rows": figures,
        "cost_by_words": [round(row["milliseconds"] / first["milliseconds"], 2) for row in figures[:3]],
        "cost_by_criteria": [
            round(row["milliseconds"] / first["milliseconds"], 2) for row in (first, *figures[3:])
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    result = measure(options.calls, options.rounds)
    print(f"{'words':>7}{'criteria':>10}{'calls/s':>10}{'ms/call':>10}{'naive ms':>10}{'ratio':>8}")
    for row in result["rows"]:
        print(
            f"{row['words']:>7}{row['criteria']:>10}{row['calls_per_second']:>10}{row['milliseconds']:>10}"
            f"{row['naive_milliseconds']:>10}{row['times_naive']:>8}"
        )
    print(
        f"cost for 1x, 4x, 16x the words: {result['cost_by_words']}, the criteria: {result['cost_by_criteria']}"
    )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
