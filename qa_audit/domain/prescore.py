"""The pre-score of a call: every machine answer of one rubric, with evidence quoted from the masked words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qa_audit.domain.acoustics import speech_from_words
from qa_audit.domain.call import Call, CallFacts
from qa_audit.domain.checks import run_check
from qa_audit.domain.checks.base import Context, not_applicable, not_assessed, unsure
from qa_audit.domain.checks.conditions import Holding, holds, not_for
from qa_audit.domain.checks.heard import Heard, hear
from qa_audit.domain.checks.windows import poorly_heard
from qa_audit.domain.findings import CriterionResult, Evidence, Finding, PreScore, RubricRef
from qa_audit.domain.rubric import CALL_VARIABLES, Criterion, Rubric, in_order, variable_values
from qa_audit.domain.score import Answer, points_of, rounded, total
from qa_audit.domain.transcript import Segment, Transcript

_BY_ABSENCE = frozenset({"avoided", "promise", "secret"})
"""Kinds of check that answer yes because something was not heard."""


def prescore(rubric: Rubric, call: Call, masked: Transcript) -> PreScore:
    """Answer every criterion from the unmasked call, and quote only the masked transcript.

    `masked` has the same segments and word counts as the call's transcript (see `redact.mask`).
    """
    findings = check_all(rubric, call)
    segments = {segment.id: segment for segment in masked.segments}
    answers = {id: Answer(finding.status, finding.answer) for id, finding in findings.items()}
    results = tuple(
        _result(criterion, findings[criterion.id], answers[criterion.id], segments)
        for criterion in rubric.criteria
    )
    ref = RubricRef(id=rubric.id, version=rubric.version, sha256=rubric.sha256)
    return PreScore(rubric=ref, score=total(rubric, answers), criteria=results)


def check_all(rubric: Rubric, call: Call) -> dict[str, Finding]:
    """Run every check of a rubric on a call; the findings, by criterion id, carry no quotes yet."""
    heard = hear(call)
    findings: dict[str, Finding] = {}
    context = Context(heard, call_variables(rubric, call.facts), findings)
    excluded = not_for(rubric.not_for, context)
    for criterion in in_order(rubric):
        if excluded.holds:
            findings[criterion.id] = not_applicable(excluded.why, excluded.evidence)
        else:
            findings[criterion.id] = check_one(criterion, context, rubric.applies_to.language)
    return findings


def check_one(criterion: Criterion, context: Context, languages: Sequence[str] = ()) -> Finding:
    """Answer one criterion; whether it can be assessed and applies is tested before the check."""
    heard = context.heard
    if criterion.check.kind == "manual":
        return run_check(criterion.check, context)
    barred = _barred(criterion, heard, languages)
    if barred is not None:
        return barred
    for condition in criterion.not_assessed_when:
        found = holds(condition, context)
        if found.holds:
            return not_assessed(found.why)
    reached = [holds(condition, context) for condition in criterion.na_when]
    reached += [_inverse(holds(condition, context)) for condition in criterion.when]
    for found in reached:
        if found.holds:
            return not_applicable(found.why, found.evidence)
    finding = _doubted(run_check(criterion.check, context), criterion, heard)
    doubt = next((found for found in reached if found.holds is None), None)
    if doubt is not None and finding.status == "decided" and finding.answer == "no":
        reason = f"{finding.reason} But perhaps it does not apply. {doubt.why}"
        return finding.model_copy(update={"status": "unsure", "certainty": None, "reason": reason})
    return finding


def _doubted(finding: Finding, criterion: Criterion, heard: Heard) -> Finding:
    """Turn what rests on something not being heard into unsure where the whole call was heard badly."""
    decided = finding.status == "decided"
    missed = decided and finding.answer == "no" and any(e.kind == "searched" for e in finding.evidence)
    avoided = decided and finding.answer == "yes" and criterion.check.kind in _BY_ABSENCE
    absent = finding.status == "not_applicable" or missed or avoided
    if not absent or not poorly_heard(heard):
        return finding
    reason = f"{finding.reason} But the words of this call were not heard well enough to tell."
    leaning = finding.answer
    return unsure(reason, finding.evidence, leaning, finding.flags)


def call_variables(rubric: Rubric, facts: CallFacts) -> dict[str, tuple[str, ...]]:
    """Return what the rubric's variables stand for on a call: the call's own values win over the rubric's."""
    values: dict[str, tuple[str, ...]] = dict.fromkeys(CALL_VARIABLES, ())
    values.update({name: variable_values(value) for name, value in rubric.variables.items()})
    for name, value in facts.variables.items():
        if name in values and isinstance(value, (str, int, float, list, tuple)):
            values[name] = variable_values(tuple(value) if isinstance(value, list) else value)
    return values


def facts_of(transcript: Transcript) -> CallFacts:
    """Return the facts of a call of which only the transcript is known (speech from word times)."""
    return CallFacts(
        duration=transcript.duration, language=transcript.language, speech=speech_from_words(transcript)
    )


def _barred(criterion: Criterion, heard: Heard, languages: Sequence[str]) -> Finding | None:
    spoken = heard.transcript.language.split("-")[0].lower()
    covered = {language.split("-")[0].lower() for language in languages}
    if covered and spoken not in covered:
        return not_assessed("The language of this call is not covered by the rubric.")
    if not heard.roles_known:
        return not_assessed("It is not known who of the speakers is the agent.")
    return None


def _inverse(found: Holding) -> Holding:
    holding = None if found.holds is None else not found.holds
    return Holding(holding, "The condition of this line is not met.")


def _result(
    criterion: Criterion, finding: Finding, answer: Answer, segments: Mapping[int, Segment]
) -> CriterionResult:
    counted = points_of(criterion, answer)
    return CriterionResult(
        id=criterion.id,
        status=finding.status,
        answer=finding.answer,
        points=rounded(counted[0]) if counted else None,
        possible=rounded(counted[1]) if counted else None,
        certainty=finding.certainty,
        reason=finding.reason,
        evidence=tuple(_quoted(item, segments) for item in finding.evidence),
        flags=finding.flags,
    )


def _quoted(item: Evidence, segments: Mapping[int, Segment]) -> Evidence:
    """Fill in the quote of words from the masked segment: the same word indices, verbatim in its text."""
    if item.kind != "words" or item.segment is None or item.first_word is None or item.last_word is None:
        return item
    segment = segments[item.segment]
    return item.model_copy(update={"quote": quote(segment, item.first_word, item.last_word)})


def quote(segment: Segment, first: int, last: int) -> str:
    """Return words `first`..`last` as they stand in the segment's text.

    Words are looked up one after the other in the text, so that the quote is verbatim even where the
    recogniser set no space between two words.
    """
    words = [word.text.strip() for word in segment.timed_words()]
    at, begin, end = 0, 0, 0
    for index, word in enumerate(words[: last + 1]):
        found = segment.text.find(word, at)
        if found < 0:
            return " ".join(words[first : last + 1])
        begin = found if index == first else begin
        at = end = found + len(word)
    return segment.text[begin:end]
