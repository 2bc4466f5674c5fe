"""State what an audit of the bundled calls should find; their words are in demo_script.txt."""

from __future__ import annotations

from dataclasses import dataclass

VENDORS = {
    "brightline": {"name": "Brightline", "offset": "+01:00", "prefix": "BRL"},
    "sollent": {"name": "Sollent", "offset": "+02:00", "prefix": "SOL"},
    "kestrel": {"name": "Kestrel", "offset": "+01:00", "prefix": "KST"},
}
BRAND_IDS = [f"B{n}" for n in range(1, 11)]
SERVICE_IDS = [f"S{n}" for n in range(1, 11)]


CARD = "Five two zero zero, eight two eight two, eight two eight two, eight two one zero"
"""A published test card number with a valid check digit."""


@dataclass(frozen=True)
class Fault:
    """Name a planted fault: where the deciding words are, or in which turns something is missing.

    `words` are spoken by the agent in the turn that holds `turn` (counted from 0 over the whole script);
    without words the whole stretch from `turn` to `last` is the window that was searched. `kind` is
    `words`, `window`, `silence` or `overlap`.
    """

    criterion: str
    kind: str
    turn: int
    words: str = ""
    last: int | None = None


@dataclass(frozen=True)
class Facts:
    """Hold what the script file does not say: customer's voice, answers that are no or not applicable.

    The turns in `slow` are spoken slower, those in `hesitant` with a pause after their first word.
    """

    customer: str
    no: tuple[str, ...] = ()
    na: tuple[str, ...] = ()
    fatal: tuple[str, ...] = ()
    critical: tuple[str, ...] = ()
    brand: float = 100.0
    service: float = 100.0
    without_fatal: float | None = None
    faults: tuple[Fault, ...] = ()
    slow: tuple[int, ...] = ()
    hesitant: tuple[int, ...] = ()


CALLS: dict[int, Facts] = {
    1: Facts("customer-a", na=("B5",)),
    2: Facts("customer-b", na=("B5", "B6")),
    3: Facts(
        "customer-c", no=("S10",), na=("S3",), service=88.9, faults=(Fault("S10", "window", 6, last=8),)
    ),
    4: Facts("customer-d", na=("B5", "B6", "S3")),
    5: Facts("customer-e", na=("B5", "B6", "S3")),
    6: Facts(
        "customer-f", no=("B5", "B9"), na=("B6",), brand=73.8,
        faults=(Fault("B5", "words", 5, "voucher"), Fault("B9", "window", 7, last=9)),
    ),
    7: Facts(
        "customer-a", no=("B1", "B4", "B7", "B9"), na=("B5", "B6", "S3"), critical=("B4",), brand=29.7,
        faults=(
            Fault("B1", "window", 0), Fault("B4", "words", 0, "Star Air"),
            Fault("B7", "words", 7, "They have a rule for this"), Fault("B9", "window", 9, last=11),
        ),
    ),
    8: Facts(
        "customer-b", no=("B1", "B2", "B3", "B5", "B7", "B9", "S3"), na=("B6",), brand=31.0, service=90.0,
        faults=(
            Fault("B1", "window", 0), Fault("B2", "window", 0), Fault("B3", "window", 0),
            Fault("B5", "words", 4, "voucher"), Fault("B7", "words", 4, "They have it open"),
            Fault("B9", "window", 6, last=8), Fault("S3", "window", 2),
        ),
    ),
    9: Facts(
        "customer-d", no=("S5",), na=("B5", "S3"), service=88.9, faults=(Fault("S5", "silence", 4),)
    ),
    10: Facts(
        "customer-e", no=("S7", "S8"), na=("B5",), fatal=("S8",), service=0.0, without_fatal=76.0,
        faults=(
            Fault("S8", "words", 5, "I promise you will have the money tomorrow"),
            Fault("S7", "window", 5, last=9),
        ),
    ),
    11: Facts(
        "customer-f", no=("S9",), na=("B5", "B6", "S3"), fatal=("S9",), service=0.0, without_fatal=88.9,
        faults=(
            Fault("S9", "words", 4, "tell me your whole card number"),
            Fault("S9", "words", 6, CARD),
        ),
    ),
    12: Facts(
        "customer-c", no=("S1", "S6"), na=("B5", "B6", "S3"), critical=("S1",), service=75.6,
        faults=(
            Fault("S1", "words", 2, "She paid two hundred and ten dollars"),
            Fault("S6", "overlap", 4), Fault("S6", "overlap", 6),
        ),
        slow=(3, 5),
        hesitant=(5,),
    ),
}  # fmt: skip

MONO_SCRIPT = """\
A: Hello, this is Nina at Northwind, how may I help you today?
C: Hi Nina, my name is Mr Young. I have a booking for my child and I want to know the date.
A: Sure, Mr Young, let me look. What is the booking number, please?
C: The number is nine zero two six.
A: Okay, nine zero two six. And the date of birth of your child, please?
C: It is the fourth of June.
A: Thank you so much. One moment, I will check the booking now.
[5 s silence]
A: I have it here, Mr Young. The flight is on the tenth of May, and there is a seat near the front.
C: Great. And is the bag paid?
A: Yes, the bag is paid too. Can I do anything else for you today?
C: No, thank you so much, that is all.
A: Thank you for flying with Northwind, Mr Young. Have a good day.
"""
"""A question about a booking, told by two people on one channel."""
