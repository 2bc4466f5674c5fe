"""What the descriptions of checks are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetPydanticSchema,
    PlainSerializer,
    StringConstraints,
    Tag,
    WrapValidator,
)

from qa_audit.domain.checks.patterns import PatternError, compile_pattern
from qa_audit.domain.checks.phrases import PhraseError, phrase_set, variables_in


class ByLanguage(tuple[str, ...]):
    """Phrases of several languages: as a tuple all of them, `spoken` gives those of one language."""

    languages: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, languages: Mapping[str, tuple[str, ...]]) -> ByLanguage:
        """Put phrases of several languages together."""
        made = cls(phrase for phrases in languages.values() for phrase in phrases)
        made.languages = {language.lower(): phrases for language, phrases in languages.items()}
        return made

    def covers(self, language: str) -> bool:
        """Say whether there are phrases of a language; of no language in particular there always are."""
        return not language or self._entry(language) is not None

    def spoken(self, language: str) -> tuple[str, ...]:
        """Return the phrases of a language ("en-GB" falls back on "en"); without one, all."""
        entry = self._entry(language) if language else None
        if entry is None:
            return () if language else tuple(self)
        return self.languages[entry]

    def _entry(self, language: str) -> str | None:
        tag = language.lower()
        return next((name for name in (tag, tag.split("-")[0]) if name in self.languages), None)


class Model(BaseModel):
    """A frozen description that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def covers(self, language: str) -> bool:
        """Say whether every list of phrases that is written by language, here or below, has this one."""
        return all(phrases.covers(language) for phrases in self._by_language)

    @cached_property
    def _by_language(self) -> tuple[ByLanguage, ...]:
        return tuple(_written_by_language(list(self.__dict__.values())))


def _written_by_language(value: object) -> Iterator[ByLanguage]:
    if isinstance(value, ByLanguage):
        yield value
    elif isinstance(value, Model):
        yield from value._by_language
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _written_by_language(part)


def _readable(phrase: str) -> str:
    """Refuse a phrase that cannot be read; whether its variables exist is known only to the rubric."""
    try:
        phrase_set([phrase], dict.fromkeys(variables_in(phrase), ("name",)))
    except PhraseError as error:
        raise ValueError(str(error)) from error
    return phrase


def _safe(pattern: str) -> str:
    """Refuse a pattern that cannot be read or that may take too long."""
    try:
        compile_pattern(pattern)
    except PatternError as error:
        raise ValueError(str(error)) from error
    return pattern


def _one_tuple(value: Any, read: Callable[[Any], Any]) -> tuple[str, ...]:
    if isinstance(value, ByLanguage):
        return value
    found = read(value)
    return ByLanguage.of(found) if isinstance(found, dict) else tuple(found)


def _as_written(value: tuple[str, ...]) -> object:
    return dict(value.languages) if isinstance(value, ByLanguage) else value


Phrase = Annotated[str, StringConstraints(min_length=1, max_length=300), AfterValidator(_readable)]
_Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


def _list_or_by_language(source: Any, handler: GetCoreSchemaHandler) -> Any:
    """Let a list of phrases also be written as a mapping of language to list; limits of the list hold in both."""
    schema = handler(source)
    listed: Any = Annotated[Any, GetPydanticSchema(lambda *_: schema)]
    by_language: Any = Annotated[dict[_Language, listed], Field(min_length=1)]
    either: Any = Annotated[listed, Tag("list")] | Annotated[by_language, Tag("languages")]
    told_apart = Discriminator(lambda value: "languages" if isinstance(value, Mapping) else "list")
    return handler.generate_schema(
        Annotated[either, told_apart, WrapValidator(_one_tuple), PlainSerializer(_as_written)]
    )


Phrases = Annotated[tuple[Phrase, ...], GetPydanticSchema(_list_or_by_language)]
"""Phrases, or a mapping of language to phrases (`ByLanguage`)."""

Pattern = Annotated[str, StringConstraints(min_length=1), AfterValidator(_safe)]
Patterns = Annotated[tuple[Pattern, ...], Field(max_length=50)]
"""Regular expressions over the normalised words of a turn; each fits whole words only."""
