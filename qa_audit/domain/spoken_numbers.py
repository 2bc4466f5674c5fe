"""Follow long numbers and secrets through a call: which words, of both speakers, belong to one number.

Digits of one number may be split by pauses, fillers, confirmations, segments and turns, and the other
speaker may repeat them group by group. This module errs on the side of finding too much; `redact` turns
what it finds into masks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

from rapidfuzz.distance import Levenshtein

from qa_audit.domain.digits import MULTIPLIERS, SOUND_ALIKES, ZEROS, counts_something
from qa_audit.domain.text import (
    MASK,
    MONEY_WORDS,
    MONTHS,
    Token,
    is_number,
    normalise,
    word_set,
)
from qa_audit.domain.transcript import Speaker

Kind = Literal["number", "card", "secret"]

LEAST = 7
"""So many digits make a long number."""
CARD_LEAST = 5
"""So many are enough after the words "card number"."""
_CARD_DIGITS = 12
_CARD_SECONDS = 20.0
_GAP_SECONDS = 10.0
_CARD_GAP_SECONDS = 20.0
_ADJACENT_SECONDS = 2.0
_GLUED_WORDS = 12
_GAP_WORDS = 6
_STRANGE_WORDS = 2
_SECRET_SECONDS = 20.0
_SECRET_TURNS = 2
_SECRET_MOST_SECONDS = 40.0
_SECRET_DIGITS = 8
_SECRET_WORDS = 8


def _listed(text: str) -> tuple[str, ...]:
    """Return the phrases of a text that parts them by semicolons."""
    return tuple(" ".join(phrase.split()) for phrase in text.split(";"))


_GLUE = word_set(
    """
    uh um er erm ah hmm mm mhm okay yes yeah yep yup right sure good great fine perfect correct exactly
    got it and then so the a an is are was that this these those next go on ahead continue carry sorry no
    wait correction i mean please thank you thanks hold let me find see look check rest last first 1st 2nd
    3rd 4th second third now number numbers digits digit group groups after followed by comma dash hyphen
    space dot point slash we have uhhuh huh all again repeat say just my your here what comes card one
    moment sec slow slowly down bit too fast there there's alright expiring ends ending starts starting
    with
    """
)
"""Words that people say between the digits of one number."""
_QUANTITY_BREAKS = MONEY_WORDS | word_set("day days hour hours week weeks percent oclock minute minutes")
_NEW_SUBJECT = _listed(
    """
    booking; reservation; reference; confirmation number; date of birth; birthday; were you born; post
    code; postcode; zip code; phone number; telephone number; amount; flight; seat; your name; my
    name; email; address
    """
)
_CARD_NAMES = _listed(
    """
    card number; number of your card; number of the card; number on your card; number on the card;
    number on the front; number on my card; long number; whole number; full number; credit card; debit
    card; card details; account number; my card is; card is; visa; mastercard; american express; amex
    """
)
_SECRETS = _listed(
    """
    security code; security number; security digits; safety code; card verification; verification
    code; verification number; cvv; cvv2; cvc; cvc2; csc; c v v; c v c; c v 2; 3 digits on the back; 3
    numbers on the back; 3 digit code; 3 digit number; 3 digits; last 3; 4 digits on the front; 4
    digit code; digits on the back; numbers on the back; number on the back; code on the back; back of
    the card; back of your card; back of my card; signature strip; pin; pins; pin number; pin code; 1
    time code; 1 time password; 1 time passcode; onetime code; otp; passcode; pass code; access code;
    authentication code; authorization code; activation code; secret code; secret number; login code;
    code we sent; code i sent; code i got; password; passwords; pass word; passphrase; pass phrase;
    memorable word; memorable information; security word; secret word; maiden name
    """
)
_SPOKEN_SECRETS = frozenset(
    _listed(
        """
        password; passwords; pass word; passphrase; pass phrase; passcode; pass code; memorable word;
        memorable information; security word; secret word; maiden name
        """
    )
)
"""Secrets that are words as often as digits: the answer is masked whole."""


class Spoken(NamedTuple):
    """A token and who said it."""

    token: Token
    speaker: Speaker


class Atom(NamedTuple):
    """Digits at a place of the stream; `size` counts them also where a written form hides some."""

    place: int
    digits: str
    size: int


@dataclass
class Found:
    """A number found: its kind, times in seconds, word indices by segment position, and how many digits."""

    kind: Kind
    start: float
    end: float
    digits: int
    words: dict[int, set[int]] = field(default_factory=dict)


@dataclass
class _Run:
    """Digits that may be one number; `said` is what each speaker was first to say of it."""

    atoms: list[Atom] = field(default_factory=list)
    said: dict[Speaker, str] = field(default_factory=dict)
    new: int = 0
    card: bool = False


def find(stream: Sequence[Spoken]) -> list[Found]:
    """Find all numbers to be masked in a stream of both speakers' tokens in order of time."""
    atoms = _atoms(stream)
    cards = _ends(stream, _CARD_NAMES)
    subjects = _ends(stream, _NEW_SUBJECT)
    runs = list(_runs(stream, atoms, cards, subjects))
    masked = [run for run in runs if run.new >= LEAST or (run.card and run.new >= CARD_LEAST)]
    known = ["".join(atom.digits for atom in run.atoms) for run in masked] + [
        digits for run in masked for digits in run.said.values()
    ]
    for run in runs:
        digits = "".join(atom.digits for atom in run.atoms)
        if run not in masked and len(digits) >= CARD_LEAST and any(digits in number for number in known):
            masked.append(run)
    found = [
        _found(stream, run.atoms, "card" if run.card or run.new >= _CARD_DIGITS else "number")
        for run in masked
    ]
    return found + list(_secrets(stream, atoms, subjects))


def _atoms(stream: Sequence[Spoken]) -> dict[int, Atom]:
    """Return the digits at each place of the stream, read in each speaker's own words."""
    atoms: dict[int, Atom] = {}
    for speaker in {spoken.speaker for spoken in stream}:
        places = [place for place, spoken in enumerate(stream) if spoken.speaker == speaker]
        tokens = [stream[place].token for place in places]
        for at, place in enumerate(places):
            digits, size = _digits_at(tokens, at)
            if size:
                atoms[place] = Atom(place, digits, size)
    return atoms


def _digits_at(tokens: Sequence[Token], at: int) -> tuple[str, int]:
    """Return the digits of a token and how many there are; a multiplier stands for the extra ones."""
    text = tokens[at].text
    if text in MULTIPLIERS:
        following = tokens[at + 1].text if at + 1 < len(tokens) else ""
        repeated = following[:1] if is_number(following) else "0" if following in ZEROS else ""
        return repeated * (MULTIPLIERS[text] - 1), len(repeated) * (MULTIPLIERS[text] - 1)
    if is_number(text):
        sequence = at > 1 and is_number(tokens[at - 1].text) and is_number(tokens[at - 2].text)
        if len(text) < LEAST and not sequence and counts_something(tokens, at):
            return "", 0
        return text.replace(".", ""), max(len(text.replace(".", "")), _word_digits(tokens[at]))
    if text in ZEROS or text in SOUND_ALIKES:
        before = at > 0 and _is_digit_word(tokens[at - 1]) and _adjacent(tokens[at - 1], tokens[at])
        after = (
            at + 1 < len(tokens)
            and _is_digit_word(tokens[at + 1])
            and _adjacent(tokens[at], tokens[at + 1])
            and not counts_something(tokens, at + 1)
        )
        close = (before or after) if text in ZEROS else (before and after)
        return ("0" if text in ZEROS else SOUND_ALIKES[text], 1) if close else ("", 0)
    if any(character.isdigit() for character in text) and text != MASK and not _is_ordinal_like(text):
        digits = "".join(character for character in text if character.isdigit())
        return (digits, len(digits)) if ":" not in text else ("", 0)
    return "", 0


def _is_digit_word(token: Token) -> bool:
    return is_number(token.text) or token.text in ZEROS or token.text in MULTIPLIERS


def _adjacent(one: Token, other: Token) -> bool:
    return other.start - one.end <= _ADJACENT_SECONDS


def _is_ordinal_like(text: str) -> bool:
    return text[:-2].isdigit() and text[-2:] in ("st", "nd", "rd", "th")


def _word_digits(token: Token) -> int:
    """Count the digits that a number of several words may stand for, at most.

    "Twenty, one" may be 201, and "fifty-two hundred eighty-two" hides two of its digits.
    """
    return len(token.text) + (token.last - token.first)


def _runs(
    stream: Sequence[Spoken], atoms: Mapping[int, Atom], cards: Sequence[int], subjects: Sequence[int]
) -> Iterator[_Run]:
    """Join atoms to runs, each perhaps one number."""
    run: _Run | None = None
    group: list[Atom] = []
    for place in sorted(atoms):
        atom = atoms[place]
        if run is not None and not _linked(stream, run.atoms[-1].place, place, run.card, subjects):
            _close_group(stream, run, group)
            yield run
            run, group = None, []
        if run is None:
            run = _Run(card=_card_context(stream, place, cards, subjects))
        elif group and not _same_group(stream, group[-1].place, place):
            _close_group(stream, run, group)
            group = []
        run.card = run.card or _card_context(stream, place, cards, subjects)
        run.atoms.append(atom)
        group.append(atom)
    if run is not None:
        _close_group(stream, run, group)
        yield run


def _close_group(stream: Sequence[Spoken], run: _Run, group: Sequence[Atom]) -> None:
    """Count a group's digits unless it only repeats what the other speaker said."""
    if not group:
        return
    speaker = stream[group[0].place].speaker
    digits = "".join(atom.digits for atom in group)
    others = [said for who, said in run.said.items() if who != speaker]
    if any(_repeats(digits, said) for said in others):
        return
    run.new += sum(atom.size for atom in group)
    run.said[speaker] = run.said.get(speaker, "") + digits


def _repeats(digits: str, said: str) -> bool:
    """Say whether digits repeat what the other speaker said; of three or more one may be misheard."""
    if digits in said:
        return True
    if not 3 <= len(digits) < LEAST:
        return False
    parts = (said[at : at + len(digits)] for at in range(len(said) - len(digits) + 1))
    return any(Levenshtein.distance(digits, part) <= 1 for part in parts)


def _same_group(stream: Sequence[Spoken], before: int, after: int) -> bool:
    one, other = stream[before], stream[after]
    pause = other.token.start - one.token.end
    return (
        after == before + 1
        and one.speaker == other.speaker
        and pause <= 1.0
        and one.token.stop not in (".", "?")
    )


def _linked(stream: Sequence[Spoken], before: int, after: int, card: bool, subjects: Sequence[int]) -> bool:
    """Say whether digits at two places can belong to one number, by the time and words between."""
    one, other = stream[before], stream[after]
    if other.token.start - one.token.end > (_CARD_GAP_SECONDS if card else _GAP_SECONDS):
        return False
    between = stream[before + 1 : after]
    if any(_breaks(between, at) for at in range(len(between))):
        return False
    strange = sum(spoken.token.text not in _GLUE for spoken in between)
    if strange == 0 and len(between) <= _GLUED_WORDS:
        return True
    if len(between) <= _GAP_WORDS and strange <= _STRANGE_WORDS * (2 if card else 1):
        return True
    own = [spoken for spoken in between if spoken.speaker == one.speaker]
    goes_on = one.speaker == other.speaker and sum(s.token.text not in _GLUE for s in own) <= _STRANGE_WORDS
    new = any(before < place < after for place in subjects)
    return goes_on and len(own) <= _GAP_WORDS and len(between) <= 2 * _GLUED_WORDS and not new


def _breaks(between: Sequence[Spoken], at: int) -> bool:
    """Say whether a word ends a number: a month, or a unit that makes a number an amount."""
    text = between[at].token.text
    if text == "may":
        following = between[at + 1].token.text if at + 1 < len(between) else ""
        before = between[at - 1].token.text if at else ""
        return following not in ("i", "we", "you") and (
            before == "of" or before[-2:] in ("st", "nd", "rd", "th")
        )
    return text in MONTHS or text in _QUANTITY_BREAKS


def _card_context(
    stream: Sequence[Spoken], place: int, cards: Sequence[int], subjects: Sequence[int]
) -> bool:
    """Say whether a card number was spoken of in the seconds before, and nothing else since."""
    start = stream[place].token.start
    named = [at for at in cards if at < place and start - stream[at].token.end <= _CARD_SECONDS]
    return bool(named) and not any(named[-1] < at < place for at in subjects)


def _ends(stream: Sequence[Spoken], phrases: tuple[str, ...]) -> list[int]:
    """Return the places at which one of the phrases ends, each in one speaker's words."""
    return sorted(place for place, _ in _phrase_ends(stream, phrases))


def _phrase_ends(stream: Sequence[Spoken], phrases: tuple[str, ...]) -> list[tuple[int, str]]:
    wanted = _by_first_word(phrases)
    ends: list[tuple[int, str]] = []
    for speaker in {spoken.speaker for spoken in stream}:
        places = [place for place, spoken in enumerate(stream) if spoken.speaker == speaker]
        for at, place in enumerate(places):
            for texts, phrase in wanted.get(stream[place].token.text, ()):
                own = places[at : at + len(texts)]
                if tuple(stream[p].token.text for p in own) == texts:
                    ends.append((own[-1], phrase))
    return sorted(ends)


@lru_cache(maxsize=8)
def _by_first_word(phrases: tuple[str, ...]) -> Mapping[str, list[tuple[tuple[str, ...], str]]]:
    wanted: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for phrase in phrases:
        texts = tuple(piece.text for piece in normalise(phrase.split()))
        wanted.setdefault(texts[0], []).append((texts, phrase))
    return wanted


def _secrets(stream: Sequence[Spoken], atoms: Mapping[int, Atom], subjects: Sequence[int]) -> Iterator[Found]:
    """Find what follows a security code and its kin: digits, and for passwords also words."""
    seen: set[int] = set()
    for place, phrase in _phrase_ends(stream, _SECRETS):
        taken: list[Atom] = []
        for at in _secret_window(stream, place, subjects):
            if at in atoms and sum(atom.size for atom in taken) < 2 * _SECRET_DIGITS:
                taken.append(atoms[at])
        taken = [atom for atom in taken if atom.place not in seen]
        seen.update(atom.place for atom in taken)
        if taken:
            yield _found(stream, taken, "secret")
        if phrase in _SPOKEN_SECRETS:
            words = _answer_words(stream, place)
            if words:
                yield _words_found(stream, words)


def _secret_window(stream: Sequence[Spoken], place: int, subjects: Sequence[int]) -> Iterator[int]:
    """Yield the places after a secret was named: for 20 s or two turns, until another subject comes up."""
    said = stream[place].token
    turns, speaker = 0, stream[place].speaker
    for at in range(place + 1, len(stream)):
        spoken = stream[at]
        if spoken.speaker != speaker:
            turns, speaker = turns + 1, spoken.speaker
        gone = spoken.token.start - said.end
        if (
            at in subjects
            or gone > _SECRET_MOST_SECONDS
            or (gone > _SECRET_SECONDS and turns > _SECRET_TURNS)
        ):
            return
        yield at


def _answer_words(stream: Sequence[Spoken], place: int) -> list[int]:
    """Return the words of a spoken secret: after "password is", or the other speaker's next words."""
    own = stream[place].speaker
    rest = range(place + 1, len(stream))
    same = [at for at in rest if stream[at].speaker == own]
    if same and stream[same[0]].token.text == "is" and same[0] == place + 1:
        return same[1 : 1 + _SECRET_WORDS // 2]
    if own == "customer" and stream[place].token.stop == ",":
        return same[: _SECRET_WORDS // 2]
    if own == "unknown":
        return same[:_SECRET_WORDS]
    other = [at for at in rest if stream[at].speaker != own]
    if not other or stream[other[0]].token.start - stream[place].token.end > _SECRET_SECONDS:
        return []
    return other[:_SECRET_WORDS] if own == "agent" else []


def _found(stream: Sequence[Spoken], atoms: Sequence[Atom], kind: Kind) -> Found:
    """Gather the words of a number: its digits, and strange words between digits of one speaker."""
    places = {atom.place for atom in atoms}
    first, last = min(places), max(places)
    for at in range(first, last):
        text = stream[at].token.text
        if at not in places and text not in _GLUE and _between_digits(stream, at, places):
            places.add(at)
    found = _words_found(stream, sorted(places))
    found.kind, found.digits = kind, sum(atom.size for atom in atoms)
    return found


def _between_digits(stream: Sequence[Spoken], at: int, places: set[int]) -> bool:
    """Say whether the speaker of a word says digits within two words before and after it."""
    speaker = stream[at].speaker
    own = [p for p in range(max(0, at - 6), min(len(stream), at + 7)) if stream[p].speaker == speaker]
    here = own.index(at)
    return bool(places & set(own[max(0, here - 2) : here])) and bool(places & set(own[here + 1 : here + 3]))


def _words_found(stream: Sequence[Spoken], places: Sequence[int]) -> Found:
    found = Found(
        kind="secret",
        start=min(stream[at].token.start for at in places),
        end=max(stream[at].token.end for at in places),
        digits=0,
    )
    for at in places:
        token = stream[at].token
        found.words.setdefault(token.segment, set()).update(range(token.first, token.last + 1))
    return found
