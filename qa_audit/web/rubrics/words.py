"""Rubrics in words: states, shares, checks and conditions as people would say them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from qa_audit.domain.checks.conditions import Condition
from qa_audit.domain.checks.model import ByLanguage, Model
from qa_audit.domain.rubric import AppliesTo, Criterion, NumberScale, Rubric
from qa_audit.domain.rubric.changes import Change
from qa_audit.services.rubrics import VersionInfo
from qa_audit.web.pages import Tone
from qa_audit.web.review.lines import answer_guidance, answer_words, range_words
from qa_audit.web.rubrics.pages import ChangeGroup, Detail
from qa_audit.web.templating import count, day, here, percent

EVENTS = {
    "started_late": "the recording begins in the middle of the talk",
    "transferred_in": "the call was transferred in",
    "outbound": "the agent placed the call",
    "caller_first": "the caller tells the reason first",
    "ended_early": "the call ended early",
    "transferred": "the call was transferred on",
    "hold": "the caller was put on hold",
    "dead_air": "there was a long silence",
}
GRAVITIES = {
    "none": "loses its points",
    "critical": "critical: counts in the critical score besides",
    "fatal_for_section": "fatal for its section: the section is left nothing",
    "fatal": "fatal: fails the whole audit",
}
KINDS = {
    "machine": "the machine hears calls by another rule",
    "scoring": "the same answers score differently",
    "wording": "no score changes",
}
COMMENTS = {"on_fail": "when it fails", "always": "always"}


def version_words(info: VersionInfo, in_effect: int | None) -> tuple[str, Tone]:
    """Say what a version is: in force, due, over, archived."""
    if info.state == "archived":
        return "archived", "plain"
    if in_effect is None or info.version > in_effect:
        return f"from {day(info.effective_from)}", "busy"
    return ("in force", "good") if info.version == in_effect else ("replaced", "plain")


def published_words(info: VersionInfo) -> str:
    """Say who published a version when, and how many audits keep to it."""
    by = "came with the software" if info.bundled else f"published {day(here(info.published_at))}"
    by += f" by {info.published_by}" if info.published_by else ""
    return f"{by} · {count(info.audits, 'audit')}"


def share_words(share: Fraction) -> str:
    """Write a part of the whole score."""
    return f"{percent(round(float(share * 100), 1))} %"


def group_changes(changes: Iterable[Change], *rubrics: Rubric) -> tuple[ChangeGroup, ...]:
    """Put changes together by what they change, with its title in place of its id; later rubrics name it first."""
    titles = {"rubric": "The rubric itself"}
    for rubric in rubrics:
        titles |= {section.id: f"Section “{section.title}”" for section in rubric.sections}
        titles |= {criterion.id: criterion.title for criterion in rubric.criteria}
    groups: dict[str, list[tuple[str, str]]] = {}
    for change in changes:
        groups.setdefault(change.where, []).append((change.words, KINDS[change.kind]))
    return tuple(ChangeGroup(titles.get(where, where), tuple(found)) for where, found in groups.items())


def rubric_details(rubric: Rubric) -> tuple[Detail, ...]:
    """Say what a rubric is for and what its words stand for."""
    found = list(_applies(rubric.applies_to))
    kept = "the percent is kept as it is" if rubric.fatal_score == "kept" else "the percent becomes 0"
    found.append(Detail("A fatal no", f"fails the audit; {kept}"))
    found += [Detail(f"{{{name}}} stands for", _value(value)) for name, value in rubric.variables.items()]
    return tuple(found)


def _applies(rule: AppliesTo) -> Iterator[Detail]:
    named = {"vendor": "vendors", "queue": "queues", "language": "languages", "direction": "directions"}
    only = [
        f"{label}: {', '.join(getattr(rule, name))}" for name, label in named.items() if getattr(rule, name)
    ]
    if rule.least_seconds:
        only.append(f"at least {rule.least_seconds:g} s long")
    yield Detail("For", "; ".join(only) or "every call")


def criterion_details(criterion: Criterion) -> tuple[Detail, ...]:
    """Say everything of a criterion that its title, points and guidance do not."""
    found = [Detail(f"Answer “{answer}”", when) for answer, when in answer_guidance(criterion)]
    found += _scale(criterion)
    if criterion.policy:
        found.append(Detail("Policy", criterion.policy))
    if criterion.na:
        found.append(Detail("Does not apply", criterion.na))
    for label, conditions in (
        ("The machine takes it for not applicable when", criterion.na_when),
        ("Applies only when", criterion.when),
        ("Not assessed when", criterion.not_assessed_when),
    ):
        if conditions:
            joined = " and " if label.startswith("Applies") else " or "
            found.append(Detail(label, joined.join(condition_words(one) for one in conditions)))
    if criterion.comment != "optional":
        found.append(Detail("A note is due", COMMENTS[criterion.comment]))
    found += check_details(criterion.check)
    found.append(
        Detail("Examples", count(len(criterion.examples), "example") if criterion.examples else "none")
    )
    return tuple(found)


def _scale(criterion: Criterion) -> Iterator[Detail]:
    if isinstance(criterion.scale, NumberScale):
        scale = criterion.scale
        yield Detail(
            "Answered by a number", f"{scale.unit}, {scale.least:g} to {scale.most:g}", range_words(scale)
        )
    elif criterion.scale != "yes_no":
        yield Detail("Levels", "", tuple(answer_words(criterion, answer) for answer in criterion.answers))


def how(criterion: Criterion) -> str:
    """Say in a sentence how a criterion is answered."""
    if criterion.check.kind == "manual":
        return "A person answers it."
    first = (type(criterion.check).__doc__ or "").strip().split("\n")[0]
    return f"The machine answers it. {first}"


def condition_words(condition: Condition) -> str:
    """Write a condition as one would say it."""
    if condition.event is not None:
        return EVENTS.get(condition.event, condition.event.replace("_", " "))
    if condition.fact is not None:
        value = "" if condition.is_ is True else f" is {condition.is_}"
        return f"on file: {condition.fact.replace('_', ' ')}{value}"
    if condition.criterion is not None:
        return f"“{condition.criterion}” is answered {condition.answer}"
    if condition.agent_words_under is not None:
        return f"the agent says fewer than {condition.agent_words_under} words"
    if condition.said is not None:
        return f"the agent says {' or '.join(f'“{phrase}”' for phrase in condition.said)}"
    rest = condition.model_dump(exclude_none=True, exclude={"is_"})
    return ", ".join(f"{name.replace('_', ' ')} {value:g} s" for name, value in rest.items())


def check_details(check: Model) -> Iterator[Detail]:
    """Say what a check looks for: every field that is set, by what the language says of it."""
    for name, info in type(check).model_fields.items():
        value = getattr(check, name)
        if name == "kind" or value in (None, (), "", False) or value == info.default:
            continue
        label = (info.description or name.replace("_", " ").capitalize()).rstrip(".:")
        if isinstance(value, ByLanguage):
            for language, phrases in value.languages.items():
                yield Detail(f"{label} ({language})", "", tuple(phrases))
        elif isinstance(value, tuple) and value and all(isinstance(part, str) for part in value):
            yield Detail(label, "", value)
        else:
            yield Detail(label, _value(value))


def _value(value: Any) -> str:
    if isinstance(value, Model):
        return "; ".join(_parts(value))
    if isinstance(value, (tuple, list)):
        return " · ".join(_value(part) for part in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _parts(model: Model) -> Iterator[str]:
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        if value in (None, (), "", False) or value == info.default:
            continue
        words = re.sub("_", " ", name)
        yield words if value is True else f"{words}: {_value(value)}"
