"""The pre-score of a call: every machine answer of one rubric, with evidence quoted from the masked words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from qa_audit.domain.acoustics import speech_from_words
from qa_audit.domain.call import Call, CallFacts
from qa_audit.domain.checks import run_check
from qa_audit.domain.checks.acoustic import AcousticSpec, answer_number
from qa_audit.domain.checks.avoided import AvoidedSpec
from qa_audit.domain.checks.base import Context, not_applicable, not_assessed, unsure
from qa_audit.domain.checks.conditions import holds, not_for
from qa_audit.domain.checks.events import Holding
from qa_audit.domain.checks.fact import FactSpec
from qa_audit.domain.checks.heard import Heard, hear
from qa_audit.domain.checks.judge import JudgeSpec, ask
from qa_audit.domain.checks.said import SaidSpec
from qa_audit.domain.checks.tools import NO_TOOLS, Tools
from qa_audit.domain.checks.windows import poorly_heard
from qa_audit.domain.findings import CriterionResult, Evidence, Finding, PreScore, RubricRef
from qa_audit.domain.rubric import (
    CALL_VARIABLES,
    Criterion,
    NumberScale,
    Rubric,
    in_order,
    variable_values,
)
from qa_audit.domain.rubric.model import VariablesFor
from qa_audit.domain.score import Answer, points_of, rounded, total
from qa_audit.domain.transcript import Segment, Transcript

_BY_ABSENCE = frozenset({"avoided", "promise", "secret"})
"""Kinds of check that answer yes because something was not heard."""
_BY_WORDS = frozenset({"judge"})
"""Kinds of check whose no rests on what was not heard, although they name no window."""


def prescore(rubric: Rubric, call: Call, masked: Transcript, *, tools: Tools = NO_TOOLS) -> PreScore:
    """Answer every criterion from the unmasked call, and quote only the masked transcript.

    `masked` has the same segments and word counts as the call's transcript (see `redact.mask`); it is all
    that a language model among the `tools` gets to see.
    """
    findings = check_all(rubric, call, masked=masked, tools=tools)
    segments = {segment.id: segment for segment in masked.segments}
    answers = {id: Answer(finding.status, finding.answer) for id, finding in findings.items()}
    results = tuple(
        _result(criterion, findings[criterion.id], answers[criterion.id], segments)
        for criterion in rubric.criteria
    )
    ref = RubricRef(id=rubric.id, version=rubric.version, sha256=rubric.sha256)
    return PreScore(rubric=ref, score=total(rubric, answers), criteria=results)


def check_all(
    rubric: Rubric, call: Call, *, masked: Transcript | None = None, tools: Tools = NO_TOOLS
) -> dict[str, Finding]:
    """Run every check of a rubric on a call; the findings, by criterion id, carry no quotes yet."""
    heard = hear(call)
    findings: dict[str, Finding] = {}
    context = Context(
        heard,
        call_variables(rubric, call.facts),
        findings,
        language=heard.transcript.language,
        tools=tools,
        masked=masked,
    )
    excluded = not_for(rubric.not_for, context)
    for criterion in in_order(rubric):
        if excluded.holds:
            findings[criterion.id] = not_applicable(excluded.why, excluded.evidence)
        else:
            findings[criterion.id] = check_one(criterion, context, rubric.applies_to.language)
    heard.forget()
    return findings


def check_one(criterion: Criterion, context: Context, languages: Sequence[str] = ()) -> Finding:
    """Answer one criterion; whether it can be assessed and applies is tested before the check."""
    if criterion.check.kind == "manual":
        return run_check(criterion.check, context)
    barred = _barred(criterion, context, languages)
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
    finding = _doubted(_checked(criterion, context), criterion, context.heard)
    doubt = next((found for found in reached if found.holds is None), None)
    if doubt is not None and _fails(criterion, finding):
        reason = f"{finding.reason} But perhaps it does not apply. {doubt.why}"
        return finding.model_copy(update={"status": "unsure", "certainty": None, "reason": reason})
    return finding


def _checked(criterion: Criterion, context: Context) -> Finding:
    """Run the check; measures answer on a scale of numbers where the criterion has one."""
    scale = criterion.scale
    if isinstance(criterion.check, AcousticSpec) and isinstance(scale, NumberScale):
        return answer_number(criterion.check, scale.least, scale.most, scale.range_of, context)
    if isinstance(criterion.check, JudgeSpec):
        return ask(criterion.check, criterion.answers, criterion.fails, context)
    return run_check(criterion.check, context)


def _fails(criterion: Criterion, finding: Finding) -> bool:
    """Say whether the machine decided on an answer that fails."""
    if finding.status != "decided" or finding.answer is None:
        return False
    return finding.answer == "no" if criterion.scale == "yes_no" else criterion.fails(finding.answer)


def _doubted(finding: Finding, criterion: Criterion, heard: Heard) -> Finding:
    """Turn what rests on something not being heard into unsure where the whole call was heard badly."""
    if not poorly_heard(heard):
        return finding
    kind, fails = criterion.check.kind, _fails(criterion, finding)
    missed = fails and (kind in _BY_WORDS or any(item.kind == "searched" for item in finding.evidence))
    avoided = finding.status == "decided" and not fails and kind in _BY_ABSENCE
    absent = (finding.status == "not_applicable" and kind != "fact") or missed or avoided
    if not absent:
        return finding
    reason = f"{finding.reason} But the words of this call were not heard well enough to tell."
    leaning = finding.answer
    return unsure(reason, finding.evidence, leaning, finding.flags)


def call_variables(rubric: Rubric, facts: CallFacts) -> dict[str, tuple[str, ...]]:
    """Return what the rubric's variables stand for on a call.

    The call's own values win over the rubric's for its vendor, brand, queue or line of business (the last
    that fits), and those over the rubric's for all calls.
    """
    values: dict[str, tuple[str, ...]] = dict.fromkeys(CALL_VARIABLES, ())
    values.update({name: variable_values(value) for name, value in rubric.variables.items()})
    for own in rubric.variables_for:
        if _is_for(own, facts):
            values.update({name: variable_values(value) for name, value in own.set.items()})
    for name, value in facts.variables.items():
        if name in values and isinstance(value, (str, int, float, list, tuple)):
            values[name] = variable_values(tuple(value) if isinstance(value, list) else value)
    return values


def _is_for(own: VariablesFor, facts: CallFacts) -> bool:
    """Say whether values of variables are meant for a call: all that they name must be the call's."""
    known = {
        "vendor": facts.vendor,
        "queue": facts.queue,
        "brand": facts.facts.get("brand"),
        "line_of_business": facts.facts.get("line_of_business"),
    }
    wanted = {name: value for name in known if (value := getattr(own, name)) is not None}
    return all(str(known[name] or "").casefold() == value.casefold() for name, value in wanted.items())


def facts_of(transcript: Transcript) -> CallFacts:
    """Return the facts of a call of which only the transcript is known (speech from word times)."""
    return CallFacts(
        duration=transcript.duration, language=transcript.language, speech=speech_from_words(transcript)
    )


def _barred(criterion: Criterion, context: Context, languages: Sequence[str]) -> Finding | None:
    check = criterion.check
    if isinstance(check, FactSpec):
        return None
    covered = _covers(tuple(languages), context.heard.transcript.language)
    if not covered or not criterion.covers(context.language):
        return not_assessed("The language of this call is not covered by the rubric.")
    if not context.heard.roles_known and _needs_roles(criterion):
        return not_assessed("It is not known who of the speakers is the agent.")
    return None


@lru_cache(maxsize=256)
def _covers(languages: tuple[str, ...], spoken: str) -> bool:
    """Say whether a language is among some, whichever country's it is; none means any."""
    return not languages or spoken.split("-")[0].lower() in {
        language.split("-")[0].lower() for language in languages
    }


def _needs_roles(criterion: Criterion) -> bool:
    """Say whether a criterion asks who said something: all do but words that either may say, anywhere."""
    check = criterion.check
    anyone = isinstance(check, (SaidSpec, AvoidedSpec)) and check.by == "either" and not check.within
    return not anyone or bool(criterion.when or criterion.na_when or criterion.not_assessed_when)


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
    words = [word.text.strip() for word in segment.timed_words()[: last + 1]]
    if all(words) and segment.text.startswith(" ".join(words)):
        return " ".join(words[first:])
    at, begin, end = 0, 0, 0
    for index, word in enumerate(words):
        found = segment.text.find(word, at)
        if found < 0:
            return " ".join(words[first : last + 1])
        begin = found if index == first else begin
        at = end = found + len(word)
    return segment.text[begin:end]
