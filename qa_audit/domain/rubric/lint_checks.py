"""Find windows that cannot match, phrases that work against each other, and fields that a check ignores."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, get_args

from pydantic import BaseModel

from qa_audit.domain.checks import CheckSpec
from qa_audit.domain.checks.acoustic import AcousticSpec
from qa_audit.domain.checks.model import ByLanguage, Phrases
from qa_audit.domain.checks.phrases import PhraseError, PhraseSet, phrase_set, variables_in
from qa_audit.domain.checks.said import SaidSpec
from qa_audit.domain.checks.windows import Window
from qa_audit.domain.rubric.applying import variable_values
from qa_audit.domain.rubric.model import Rubric
from qa_audit.domain.rubric.problems import Path, Remark, Severity

_LENGTHS = ("first_seconds", "last_seconds", "seconds")
WORDS_PER_SECOND = 6.0
"""Nobody is understood who speaks faster: so many words at most fit into a window."""

_PHRASES = (Phrases, get_args(Phrases)[0])
"""How a field that holds phrases may be annotated: pydantic keeps what stands beside the type elsewhere."""

_OPPOSED: Final[tuple[tuple[str, str, Severity], ...]] = (
    ("any", "wrong", "error"),
    ("any", "maybe", "warning"),
    ("maybe", "wrong", "warning"),
    ("right", "wrong", "error"),
    ("trigger", "no_trigger", "error"),
    ("reply", "no_reply", "error"),
    ("requests", "allowed", "error"),
    ("before", "before_weak", "warning"),
    ("any", "right_names", "error"),
)
"""Fields of one description that may not hold the same words, and how grave it is."""

_BETWEEN = frozenset({"spoken", "both", "words", "rightly"})
_OF_MEASURE: Final[Mapping[str, frozenset[str]]] = {
    "dead_air": frozenset(
        {"seconds", "announced", "announced_within", "maybe", "caller_searches", "longest"}
    ),
    "talk_over": _BETWEEN | {"allowed"},
    "interruptions": _BETWEEN,
}
"""Fields of acoustic checks that only some measures know."""

_FUZZY_WORDS = 3


def check_findings(path: Path, spec: CheckSpec, rubric: Rubric) -> Iterator[Remark]:
    """Yield what is wrong with the description of one check."""
    for place, model in _models(path, spec):
        if isinstance(model, Window):
            yield from _window(place, model)
        yield from _opposed(place, model, rubric)
        yield from _repeated(place, model)
        yield from _too_many(place, model, rubric)
        yield from _silent(place, model, rubric)
    yield from _too_long_for_windows(path, spec, rubric)
    yield from _short_but_fuzzy(path, spec, rubric)
    yield from _ignored(path, spec)


def _models(path: Path, value: object) -> Iterator[tuple[Path, BaseModel]]:
    """Yield a description and every description within it, with its place."""
    if isinstance(value, BaseModel):
        yield path, value
        for name, field in type(value).model_fields.items():
            yield from _models((*path, field.alias or name), getattr(value, name))
    elif isinstance(value, tuple):
        for index, below in enumerate(value):
            yield from _models((*path, index), below)


def _phrases(rubric: Rubric, phrases: Sequence[str]) -> PhraseSet:
    """Compile phrases with the rubric's own variables; what only the call knows stands for itself."""
    known = {name: variable_values(value) for name, value in rubric.variables.items()}
    named = {name: known.get(name, (name,)) for phrase in phrases for name in variables_in(phrase)}
    try:
        return phrase_set(phrases, named)
    except PhraseError:
        return PhraseSet((), ())


def _variants(rubric: Rubric, phrases: Sequence[str]) -> set[tuple[str, ...]]:
    compiled = _phrases(rubric, phrases)
    return {*compiled.plain, *compiled.slotted}


def _window(path: Path, window: Window) -> Iterator[Remark]:
    ends = window.last_seconds is not None or window.last_turns is not None
    if window.after is not None and window.after == window.before:
        yield path, "error", "cannot match: nothing lies after and before the same moment"
    if window.first_turn and ends:
        yield path, "error", "cannot match: a call's first turn is not among its last words"
    elif window.first_seconds is not None and ends:
        yield path, "warning", "matches only in calls so short that their beginning is also their end"
    for name in _LENGTHS:
        seconds = getattr(window, name)
        if seconds is not None and seconds * WORDS_PER_SECOND < 1:
            yield (*path, name), "error", f"cannot match: in {seconds:g} s nobody says a word"


def _too_long_for_windows(path: Path, spec: CheckSpec, rubric: Rubric) -> Iterator[Remark]:
    """Find phrases that take longer to say than their window lasts."""
    windows: tuple[Window, ...] = getattr(spec, "within", ())
    longest = max((_seconds(window) for window in windows), default=math.inf)
    if longest == math.inf:
        return
    for place, model in _models(path, spec):
        wanted = getattr(model, "any", ())
        shortest = min(map(len, _variants(rubric, wanted)), default=0) if isinstance(wanted, tuple) else 0
        if 1 <= longest * WORDS_PER_SECOND < shortest:
            yield (*place, "any"), "error", f"cannot match: {shortest} words do not fit into {longest:g} s"


def _seconds(window: Window) -> float:
    """Return how many seconds a window lasts at most."""
    return min(value if (value := getattr(window, name)) is not None else math.inf for name in _LENGTHS)


def _opposed(path: Path, model: BaseModel, rubric: Rubric) -> Iterator[Remark]:
    for one, other, grave in _OPPOSED:
        first, second = getattr(model, one, None), getattr(model, other, None)
        if not isinstance(first, tuple) or not isinstance(second, tuple):
            continue
        if one == "any" and not second:
            continue
        for language in _languages(first, second):
            both = _variants(rubric, _spoken(first, language)) & _variants(rubric, _spoken(second, language))
            if both:
                yield (*path, other), grave, f"'{' '.join(min(both))}' is also among '{one}'"


def _languages(*lists: tuple[str, ...]) -> tuple[str, ...]:
    """Return the languages in which phrases are written; the empty one where they are for any."""
    named = {
        language for phrases in lists if isinstance(phrases, ByLanguage) for language in phrases.languages
    }
    return tuple(sorted(named)) or ("",)


def _spoken(phrases: tuple[str, ...], language: str) -> tuple[str, ...]:
    return phrases.spoken(language) if isinstance(phrases, ByLanguage) else phrases


def _silent(path: Path, model: BaseModel, rubric: Rubric) -> Iterator[Remark]:
    """Find phrases that lack a language which the rubric is for."""
    for name, phrases in _fields(model):
        for language in rubric.applies_to.language:
            if isinstance(phrases, ByLanguage) and not phrases.covers(language):
                yield (*path, name), "warning", f"has no phrases for '{language}': not assessed in such calls"


def _fields(model: BaseModel) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the fields of one description that hold phrases, with their names."""
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if value and (field.annotation in _PHRASES or set(_PHRASES) & set(get_args(field.annotation))):
            yield field.alias or name, value


def _lists(model: BaseModel) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield the lists of phrases of one description, one for each language, with their places in it."""
    for name, phrases in _fields(model):
        if isinstance(phrases, ByLanguage):
            yield from (((name, language), own) for language, own in phrases.languages.items())
        else:
            yield (name,), phrases


def _repeated(path: Path, model: BaseModel) -> Iterator[Remark]:
    for at, phrases in _lists(model):
        if len(set(phrases)) == len(phrases):
            continue
        for place, phrase in enumerate(phrases):
            if phrase in phrases[:place]:
                yield (*path, *at, place), "warning", f"'{phrase}' is given twice"


def _too_many(path: Path, model: BaseModel, rubric: Rubric) -> Iterator[Remark]:
    """Find phrases that stand for too much once their variables are filled in, as they are on some calls."""
    everywhere = {name: variable_values(value) for name, value in rubric.variables.items()}
    sets = [everywhere]
    for one in rubric.variables_for:
        sets.append({**everywhere, **{name: variable_values(value) for name, value in one.set.items()}})
    for at, phrases in _lists(model):
        for place, phrase in enumerate(phrases):
            used = variables_in(phrase)
            try:
                for values in sets if used else ():
                    phrase_set([phrase], {one: values.get(one, (one,)) for one in used})
            except PhraseError as error:
                yield (*path, *at, place), "error", str(error)


def _short_but_fuzzy(path: Path, spec: CheckSpec, rubric: Rubric) -> Iterator[Remark]:
    """Find phrases of one or two words where a check was told to take what is merely close, or what means the same."""
    for place, model in _models(path, spec):
        told = "exact" in model.model_fields_set and not getattr(model, "exact", True)
        for at, phrases in _lists(model):
            if not (at[0] == "meaning" or (told and at[0] == "any")):
                continue
            for index, phrase in enumerate(phrases):
                size = min(map(len, _variants(rubric, [phrase])), default=_FUZZY_WORDS)
                if size < _FUZZY_WORDS:
                    what = f"'{phrase}' is too short to be matched fuzzily: it needs {_FUZZY_WORDS} words"
                    yield (*place, *at, index), "warning", what


def _ignored(path: Path, spec: CheckSpec) -> Iterator[Remark]:
    if isinstance(spec, SaidSpec) and spec.all and spec.maybe:
        yield (*path, "maybe"), "warning", "is ignored beside 'all': give it to the parts"
    if isinstance(spec, SaidSpec) and spec.same_turn and not spec.all:
        yield (*path, "same_turn"), "warning", "is ignored without 'all'"
    if isinstance(spec, AcousticSpec):
        special = frozenset[str]().union(*_OF_MEASURE.values())
        for name in sorted(spec.model_fields_set & (special - _OF_MEASURE.get(spec.measure, frozenset()))):
            yield (*path, name), "warning", f"is ignored by the measure '{spec.measure}'"
