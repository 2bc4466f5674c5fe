"""What was written into the bundled calls, held against what a machine found."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from qa_audit.domain.findings import CriterionResult, Evidence, PreScore, RubricRef, Score
from qa_audit.errors import Invalid
from qa_audit.services import bundled_calls
from qa_audit.services.bundled_calls import BundledCall, PlantedFault
from qa_audit.services.rubric_files import load_rubric_file

CODES = {("service-quality", "verify-first"): "S1", ("service-quality", "empathy"): "S3"}
RUBRICS = Path(__file__).resolve().parents[2] / "rubrics"


def a_call(answers: dict[str, str], *faults: PlantedFault) -> BundledCall:
    call = bundled_calls.load_bundle().calls[0]
    return BundledCall(**{**vars(call), "answers": answers, "faults": faults})


def a_prescore(**results: CriterionResult) -> PreScore:
    score = Score(percent=None, percent_without_fatal=None, points=0, possible=0, outcome="undetermined")
    reference = RubricRef(id="service-quality", version=1, sha256="x")
    return PreScore(rubric=reference, score=score, criteria=tuple(results.values()))


def a_result(
    status: str, answer: str | None = None, *evidence: Evidence, id: str = "verify-first"
) -> CriterionResult:
    return CriterionResult(id=id, status=status, answer=answer, reason="Because.", evidence=evidence)


@pytest.mark.parametrize(
    ("written", "status", "answer", "verdict"),
    [
        ("yes", "decided", "yes", "agree"),
        ("no", "decided", "no", "agree"),
        ("na", "not_applicable", None, "agree"),
        ("manual", "manual", None, "agree"),
        ("yes", "unsure", None, "unsure"),
        ("no", "unsure", "yes", "unsure"),
        ("na", "unsure", "no", "unsure"),
        ("yes", "not_assessed", None, "unsure"),
        ("no", "manual", None, "unsure"),
        ("yes", "decided", "no", "opposite"),
        ("no", "decided", "yes", "opposite"),
        ("na", "decided", "no", "opposite"),
        ("yes", "not_applicable", None, "opposite"),
        ("manual", "decided", "yes", "opposite"),
    ],
)
def test_only_a_firm_other_answer_is_the_opposite(
    written: str, status: str, answer: str | None, verdict: str
) -> None:
    found = bundled_calls.compare(a_call({"S1": written}), [a_prescore(a=a_result(status, answer))], CODES)
    assert [line.verdict for line in found.lines] == [verdict]
    assert found.count(verdict) == 1


def test_an_answer_that_is_missing_altogether_is_no_agreement() -> None:
    found = bundled_calls.compare(a_call({"S1": "yes", "S3": "na"}), [], CODES)
    assert [(line.code, line.found, line.verdict) for line in found.lines] == [
        ("S1", "missing", "opposite"),
        ("S3", "missing", "opposite"),
    ]


@pytest.mark.parametrize(
    ("status", "answer", "start", "end", "found"),
    [
        ("decided", "no", 10.2, 11.9, True),
        ("decided", "no", 12.9, 14.0, True),
        ("decided", "no", 13.1, 14.0, False),
        ("decided", "no", 5.0, 8.9, False),
        ("decided", "yes", 10.0, 12.0, False),
        ("unsure", "no", 10.0, 12.0, False),
    ],
)
def test_a_fault_counts_as_found_only_with_a_no_and_evidence_within_a_second(
    status: str, answer: str, start: float, end: float, found: bool
) -> None:
    evidence = Evidence(kind="words", start=start, end=end, segment=0, speaker="agent", quote="x")
    call = a_call({"S1": "no"}, PlantedFault("S1", "words", 10.0, 12.0))
    compared = bundled_calls.compare(call, [a_prescore(a=a_result(status, answer, evidence))], CODES)
    assert [fault.found for fault in compared.faults] == [found]


def test_the_bundle_has_twelve_expected_calls_and_two_that_are_only_shown() -> None:
    bundle = bundled_calls.load_bundle()
    assert len(bundle.expected) == 12
    shown = [call for call in bundle.calls if call.shown_only]
    assert [(call.status, call.failure) for call in shown] == [("prescored", None), ("failed", "silent")]
    assert {call.vendor for call in bundle.calls} <= {vendor.slug for vendor in bundle.vendors}
    assert all(call.survey in (None, 1, 2, 3, 4, 5) for call in bundle.calls)
    assert all(call.started_at.tzinfo is not None for call in bundle.calls)


def test_the_bundled_files_are_known_by_their_bytes() -> None:
    files = {hashlib.sha256(call.path.read_bytes()).hexdigest() for call in bundled_calls.load_bundle().calls}
    assert bundled_calls.bundled_shas() == files
    assert len(files) == 14


def test_every_written_answer_belongs_to_a_criterion_of_the_rubrics_for_these_calls() -> None:
    rubrics = [load_rubric_file(path) for path in sorted(RUBRICS.glob("*.yaml"))]
    codes = bundled_calls.codes_of(rubric for rubric in rubrics if not rubric.applies_to.queue)
    for call in bundled_calls.load_bundle().expected:
        assert set(call.answers) == set(codes.values())
        assert {fault.criterion for fault in call.faults} <= set(codes.values())


def test_a_missing_or_strange_manifest_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="missing or broken"):
        bundled_calls.load_bundle(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"schema": "something else"}))
    with pytest.raises(Invalid, match="not of the kind"):
        bundled_calls.load_bundle(tmp_path)
