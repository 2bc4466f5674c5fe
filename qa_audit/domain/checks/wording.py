"""How phrases are written: read into variants, each a tuple of normalised words, slots and gaps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from qa_audit.domain.checks.slots import SLOTS
from qa_audit.domain.text import normal_words, strip_grammar

_MOST_VARIANTS = 2000
_LEXER = re.compile(r"\.\.\.|[()\[\]|]|\{\w+\}|<\w+>|[^\s()\[\]|{}<>]+")

Variables = Mapping[str, Sequence[str]]
Variant = tuple[str, ...]


class PhraseError(ValueError):
    """A phrase cannot be read; the message says why."""


def variables_in(phrase: str) -> list[str]:
    """Return the names of the variables that a phrase uses."""
    return re.findall(r"\{([^\W\d]\w*)\}", phrase)


def is_slot(element: str) -> bool:
    """Say whether an element of a compiled phrase is a slot or a gap rather than a word."""
    return element == "..." or element[:1] == "<"


def variants(phrase: str, variables: Variables) -> list[Variant]:
    """Expand one phrase into its variants, each a tuple of normalised words and slots.

    Raises PhraseError when it cannot be read or names an unknown variable.
    """
    lexemes = _LEXER.findall(phrase)
    expanded, rest = _alternatives(lexemes, 0, variables, phrase)
    if rest != len(lexemes):
        raise PhraseError(f"'{phrase}' has a bracket too many")
    found = [variant for variant in map(_normal_variant, expanded) if set(variant) - {"..."}]
    if not found and not variables_in(phrase):
        raise PhraseError(f"'{phrase}' has no words")
    return found


def _alternatives(
    lexemes: Sequence[str], at: int, variables: Variables, phrase: str
) -> tuple[list[Variant], int]:
    """Read alternatives up to a closing bracket; return their expansions and where reading stopped."""
    finished: list[Variant] = []
    current: list[Variant] = [()]
    while at < len(lexemes) and lexemes[at] not in (")", "]"):
        lexeme = lexemes[at]
        at += 1
        if lexeme == "|":
            finished.extend(current)
            current = [()]
            continue
        if lexeme in ("(", "["):
            options, at = _alternatives(lexemes, at, variables, phrase)
            if at >= len(lexemes) or lexemes[at] != (")" if lexeme == "(" else "]"):
                raise PhraseError(f"'{phrase}' has a bracket that is not closed")
            at += 1
            options = [*options, ()] if lexeme == "[" else options
        elif lexeme[0] == "{":
            if lexeme[1:-1] not in variables:
                raise PhraseError(f"the variable {lexeme} is not defined")
            options = [tuple(value.split()) for value in strip_grammar(variables[lexeme[1:-1]])]
        elif lexeme[0] == "<" and lexeme not in SLOTS:
            raise PhraseError(f"'{phrase}' has the unknown slot {lexeme}; known: {', '.join(sorted(SLOTS))}")
        else:
            options = [(lexeme,)]
        current = [start + option for start in current for option in options]
        if len(current) + len(finished) > _MOST_VARIANTS:
            raise PhraseError(f"'{phrase}' stands for more than {_MOST_VARIANTS} variants; split it")
    return finished + current, at


def _normal_variant(words: Variant) -> Variant:
    elements: list[str] = []
    plain: list[str] = []
    for word in (*words, "<end>"):
        if is_slot(word):
            elements.extend(normal_words(plain))
            plain = []
            if word != "<end>":
                elements.append(word)
        else:
            plain.append(word)
    return tuple(elements)
