"""What the descriptions of checks are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from qa_audit.domain.checks.phrases import PhraseError, phrase_set, variables_in


class Model(BaseModel):
    """A frozen description that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _readable(phrase: str) -> str:
    """Refuse a phrase that cannot be read; whether its variables exist is known only to the rubric."""
    try:
        phrase_set([phrase], dict.fromkeys(variables_in(phrase), ("name",)))
    except PhraseError as error:
        raise ValueError(str(error)) from error
    return phrase


Phrase = Annotated[str, StringConstraints(min_length=1, max_length=300), AfterValidator(_readable)]
Phrases = tuple[Phrase, ...]
