"""Which passwords are refused, and in which words."""

from __future__ import annotations

import pytest

from qa_audit.errors import Invalid
from qa_audit.services import passwords


@pytest.mark.parametrize(
    "password",
    [
        "a kettle on the moon",
        "correct horse battery staple",
        "dQw4w9WgXcQ-7",
        "\u043f\u0430\u0440\u043e\u043b\u044c \u0438\u0437 \u0441\u043b\u043e\u0432",
        "x9!kLm2#pQz7",
    ],
)
def test_a_few_words_or_a_random_row_are_fine(password: str) -> None:
    passwords.check_password(password, words=["Kestrel", "acme", "ana"])


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "at least 12"),
        ("elevenchars", "at least 12"),
        ("x" * 300, "at most 256"),
        ("aaaaaaaaaaaa", "only a few characters"),
        ("abababababab", "only a few characters"),
        ("qaaudit-2026", "mostly the word 'qaaudit'"),
        ("QA-Audit 2026!", "mostly the word 'qaaudit'"),
        ("kestrel-2026", "mostly the word 'kestrel'"),
        ("Ana.Bello1234", "mostly the word 'anabello'"),
        ("password1234", "first passwords"),
        ("1234password1234", "first passwords"),
        ("Welcome-2026!", "first passwords"),
        ("winterwinter", "first passwords"),
        ("qwertyuiop12", "first passwords"),
        ("asdfghjklzxcv", "row of keys"),
        ("12345678901234", "row of keys"),
        ("nopqrstuvwxyz", "row of keys"),
        ("zyxwvutsrqpon", "row of keys"),
    ],
)
def test_what_somebody_would_try_first_is_refused_with_a_reason(password: str, said: str) -> None:
    with pytest.raises(Invalid, match=said) as refused:
        passwords.check_password(password, words=["Kestrel", "ana bello"])
    assert refused.value.fields == {"password": refused.value.message}


def test_a_forbidden_word_may_stand_in_a_long_password() -> None:
    passwords.check_password("the kestrel flies over nine hills", words=["kestrel"])


def test_a_password_belongs_to_its_own_hash_only() -> None:
    hashed = passwords.hash_password("a kettle on the moon")
    assert passwords.matches(hashed, "a kettle on the moon")
    assert not passwords.matches(hashed, "a kettle on the sun")
    assert not passwords.matches(None, "a kettle on the moon")
    assert not passwords.matches("no hash", "a kettle on the moon")
    assert not passwords.needs_rehash(hashed)
