"""What people say in a language has room in the text that its windows may have."""

from __future__ import annotations

import pytest

from qa_audit.speech import whisper_files
from qa_audit.speech.windows import LONGEST
from qa_audit.speech.writing import LONGEST_TEXT, longest_window, most_tokens

LETTERS_A_SECOND = 16
"""How fast letters are read aloud, in scripts that write vowels; briskly."""

SAID = {
    "en": "Thank you for calling, your parcel will be with you tomorrow afternoon.",
    "de": "Vielen Dank für Ihren Anruf, Ihr Paket ist morgen Nachmittag bei Ihnen.",
    "fr": "Merci de votre appel, votre colis sera chez vous demain après-midi.",
    "cs": "Děkuji za zavolání, váš balík u vás bude zítra odpoledne.",
    "el": "Ευχαριστώ που καλέσατε, το δέμα σας θα είναι εκεί αύριο το απόγευμα.",
    "hi": "फ़ोन करने के लिए धन्यवाद, आपका पार्सल कल दोपहर तक पहुँच जाएगा।",
    "ta": "அழைத்ததற்கு நன்றி, உங்கள் பொருள் நாளை மதியம் வந்து சேரும்.",
    "bn": "ফোন করার জন্য ধন্যবাদ, আপনার পার্সেল কাল বিকেলে পৌঁছে যাবে।",
    "te": "కాల్ చేసినందుకు ధన్యవాదాలు, మీ పార్సెల్ రేపు మధ్యాహ్నం వస్తుంది.",
    "gu": "ફોન કરવા બદલ આભાર, તમારું પાર્સલ કાલે બપોરે પહોંચી જશે.",
    "ka": "გმადლობთ დარეკვისთვის, თქვენი ამანათი ხვალ შუადღისას მოვა.",
    "th": "ขอบคุณที่โทรมา พัสดุของคุณจะถึงพรุ่งนี้ตอนบ่าย",
}


@pytest.mark.parametrize("language", SAID)
def test_neither_a_window_nor_a_sentence_is_too_short_for_its_text(language: str) -> None:
    tokens = len(whisper_files.tokenizer(51865, language).encode(SAID[language]))
    seconds = len(SAID[language]) / LETTERS_A_SECOND
    assert tokens < most_tokens(seconds, language)
    window = min(longest_window(language), LONGEST)
    assert tokens / seconds * window <= LONGEST_TEXT


def test_english_windows_are_as_long_as_whispers() -> None:
    assert longest_window("en") > LONGEST
    assert [most_tokens(seconds, "en") for seconds in (0.5, 10.0, 29.5)] == [21, 116, LONGEST_TEXT]


def test_ten_times_as_much_is_made_up() -> None:
    tokens = len(whisper_files.tokenizer(51864, "en").encode(SAID["en"]))
    assert 10 * tokens > most_tokens(len(SAID["en"]) / LETTERS_A_SECOND, "en")
