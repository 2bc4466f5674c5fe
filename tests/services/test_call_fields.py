"""What an uploader may say, in which form it is kept, and what of it is masked."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_audit.errors import Invalid
from qa_audit.services.call_fields import CallFields, read_fields, same_value, shown_filename
from qa_audit.services.card_numbers import truncate

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def read(**said: str) -> CallFields:
    return read_fields([(name.replace("__", "."), value) for name, value in said.items()], NOW)


def refused(**said: str) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        read(**said)
    return caught.value.fields


@pytest.mark.parametrize(
    ("given_text", "kept"),
    [("en", "en"), ("EN-gb", "en-GB"), ("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419"), (" de ", "de")],
)
def test_a_language_gets_its_usual_form(given_text: str, kept: str) -> None:
    assert read(language=given_text).language == kept


def test_texts_get_composed_letters_and_single_spaces() -> None:
    assert read(agent=" Zoe\u0308   Li ").agent == "Zoë Li"
    assert read(direction=" INBOUND ").direction == "inbound"


@pytest.mark.parametrize(
    ("written", "offset"),
    [("2026-11-02T09:00:00Z", 0), ("2026-11-02T09:00+05:30", 330), ("20261102T090000-0800", -480)],
)
def test_a_moment_needs_and_keeps_its_offset(written: str, offset: int) -> None:
    moment = read(started_at=written).started_at
    assert moment is not None
    shift = moment.utcoffset()
    assert shift is not None
    assert shift.total_seconds() == offset * 60


def test_a_moment_may_be_a_little_ahead_but_not_days() -> None:
    assert read(started_at="2026-11-23T11:00:00Z").started_at
    assert set(refused(started_at="2026-11-24T12:00:00Z")) == {"started_at"}


def test_long_numbers_are_masked_in_custom_facts_but_dates_stay() -> None:
    custom = read(custom__note="card 4111 1111 1111 1111", custom__day="2026-11-02").custom
    assert "1111" not in str(custom["note"])
    assert custom["day"] == "2026-11-02"


def test_identifiers_keep_their_digits_unless_they_are_a_card_number() -> None:
    fields = read(external_id="CRM-20261102-0001234", agent="Agent 10023456", queue="4111-1111-1111-1111")
    assert (fields.external_id, fields.agent) == ("CRM-20261102-0001234", "Agent 10023456")
    assert fields.queue == "411111******1111"


def with_check_digit(digits: str) -> str:
    """Append the digit that makes Luhn's sum a multiple of ten."""
    total = sum(
        sum(divmod(int(digit) * 2, 10)) if place % 2 == 0 else int(digit)
        for place, digit in enumerate(reversed(digits))
    )
    return digits + str(-total % 10)


@given(
    st.integers(2, 6),
    st.text("0123456789", min_size=11, max_size=17),
    st.sampled_from(["", " ", "-"]),
    st.sampled_from(["", "id ", "x-", "\u00e4"]),
)
def test_a_card_number_of_any_issuer_and_grouping_is_cut(
    first: int, rest: str, gap: str, before: str
) -> None:
    card = with_check_digit(f"{first}{rest}")
    written = gap.join(card[i : i + 4] for i in range(0, len(card), 4))
    assert truncate(f"{before}{written}.") == f"{before}{card[:6]}{'*' * (len(card) - 10)}{card[-4:]}."


@pytest.mark.parametrize(
    "text", ["4111111111111112", "411111111111", "1234567890123452", "no digits", "41111111111111110000"]
)
def test_what_is_no_card_number_stays(text: str) -> None:
    assert truncate(text) == text


@given(st.text(max_size=80))
def test_any_text_is_kept_or_refused_and_never_breaks(text: str) -> None:
    for name in ("agent", "external_id", "queue", "language", "started_at", "custom.x"):
        outcome = kept_or_named(name, text)
        assert outcome in ({}, {name}) or "\0" not in str(outcome)


def kept_or_named(name: str, text: str) -> object:
    """Return what is kept of a text, or the names of the fields that are refused."""
    try:
        return read_fields([(name, text)], NOW).given()
    except Invalid as error:
        return set(error.fields)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.wav", "passwd.wav"),
        ("C:\\calls\\a.wav", "a.wav"),
        ("a\n\0b.wav", "ab.wav"),
        ("\u202egnp.wav", "gnp.wav"),
        ("", "recording"),
        ("Auto0_DT_2025-02-19T06-01-22_Mono.wav", "Auto0_DT_2025-02-19T06-01-22_Mono.wav"),
    ],
)
def test_a_file_name_is_kept_without_folders_and_control_signs(name: str, shown: str) -> None:
    assert shown_filename(name) == shown
    assert len(shown_filename("x" * 999)) == 255


def test_naughty_file_names_can_all_be_kept(shared: Path) -> None:
    lines = [
        line
        for file in (shared / "hostile" / "text").rglob("*.txt")
        for line in file.read_text("utf-8", "replace").splitlines()[:200]
    ]
    for name in map(shown_filename, lines):
        assert 1 <= len(name) <= 255
        assert not {"/", "\\", "\0", "\n", "\u202e"} & set(name)


def test_what_was_said_first_wins_when_fields_are_completed() -> None:
    first = CallFields(agent="Dana", custom={"a": 1})
    both = first.completed(CallFields(agent="Tom", queue="q", custom={"a": 2, "b": 3}))
    assert both == CallFields(agent="Dana", queue="q", custom={"a": 1, "b": 3})


@pytest.mark.parametrize(
    ("stored", "said", "same"),
    [
        ("2026-11-02T09:00:00+01:00", "2026-11-02T08:00:00+00:00", True),
        ("2026-11-02T09:00:00+01:00", "2026-11-02T09:00:00", False),
        ("a", "b", False),
        (None, "x", False),
        (5, 5, True),
    ],
)
def test_values_are_the_same_when_they_mean_the_same(stored: object, said: object, same: bool) -> None:
    assert same_value(stored, said) is same
