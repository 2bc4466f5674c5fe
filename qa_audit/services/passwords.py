"""Passwords: how they are hashed, and which are refused."""

from __future__ import annotations

import re
from collections.abc import Iterable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from qa_audit.errors import Invalid

SHORTEST = 12
LONGEST = 256

_PRODUCT_WORDS = ("qaaudit", "audit", "quality")
# fmt: off
_COMMON = frozenset({
    "abc", "abcdef", "abcdefgh", "access", "admin", "administrator", "asdfgh", "autumn", "azerty",
    "baseball", "batman", "callcenter", "callcentre", "changeme", "charlie", "company", "computer",
    "customer", "default", "dragon", "football", "guest", "hello", "iloveyou", "internet", "jordan",
    "letmein", "login", "master", "michael", "monkey", "motdepasse", "pass", "password", "passwort",
    "princess", "qwerty", "qwertyuiop", "qwertz", "root", "secret", "service", "shadow", "spring",
    "summer", "sunshine", "superman", "temp", "test", "trustno", "user", "welcome", "winter",
    "zxcvbn",
})
# fmt: on
_SEQUENCES = ("01234567890123456789", "qwertyuiopasdfghjklzxcvbnm", "abcdefghijklmnopqrstuvwxyz")

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_OF_NOBODY = (
    "$argon2id$v=19$m=19456,t=2,p=1$JSVr39xXaANqMzhrvCGlFw$TjzLPhlFmpreYR9huX/GRk4cwrBJ4aE7gZFecbzOiaE"
)
"""A hash of nothing in particular, at the same cost: checking it takes as long as checking a real one."""


def hash_password(password: str) -> str:
    """Hash with argon2id (19 MiB, two passes): the floor of OWASP's password storage advice."""
    return _HASHER.hash(password)


def matches(hashed: str | None, password: str) -> bool:
    """Say whether the password belongs to the hash; without a hash it takes as long and is False."""
    try:
        _HASHER.verify(hashed or _OF_NOBODY, password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    return hashed is not None


def needs_rehash(hashed: str) -> bool:
    """Say whether a hash was made at another cost than today's."""
    return _HASHER.check_needs_rehash(hashed)


def check_password(password: str, *, words: Iterable[str] = ()) -> None:
    """Raise Invalid unless the password is good enough; `words` are names it may not lean on.

    There are no rules about kinds of characters: length and not being guessable are what counts.
    """
    problem = _problem(password, words)
    if problem:
        raise Invalid(problem, {"password": problem})


def _problem(password: str, words: Iterable[str]) -> str | None:
    if len(password) < SHORTEST:
        return f"Use at least {SHORTEST} characters. A few words in a row are fine."
    if len(password) > LONGEST:
        return f"Use at most {LONGEST} characters."
    letters = re.sub(r"[^a-z0-9]", "", password.lower())
    if len(set(letters)) < 5 and password.isascii():
        return "This repeats only a few characters. Use a few words in a row."
    for word in _forbidden(words):
        if word in letters and len(letters) - len(word) < SHORTEST - 2:
            return f"This is mostly the word '{word}', which is the first thing somebody would try."
    core = re.sub(r"[0-9]", "", letters)
    if core in _COMMON or any(core and core == word * (len(core) // len(word)) for word in _COMMON):
        return "This is one of the first passwords somebody would try. Use a few words in a row."
    if letters and any(letters in run + run or letters in (run + run)[::-1] for run in _SEQUENCES):
        return "This is a row of keys. Use a few words in a row."
    return None


def _forbidden(words: Iterable[str]) -> list[str]:
    """Return the words that carry no surprise here, without spaces, the longest first."""
    plain = {re.sub(r"[^a-z0-9]", "", word.lower()) for word in (*_PRODUCT_WORDS, *words)}
    return sorted((word for word in plain if len(word) >= 4), key=lambda word: (-len(word), word))
