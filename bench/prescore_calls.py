"""The rubric and the calls that pre-scoring is timed with: all made up, no two calls alike."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from qa_audit.domain.call import Call
from qa_audit.domain.rubric import Rubric, build_rubric
from qa_audit.domain.script import scripted_call

WORDS = 800

AGENT = """\
Thank you for calling Northwind, my name is Dana, how can I help you today?
I can look that up for you, one moment please.
Could you give me the booking number, please?
And may I have your full name as it stands on the booking?
I am sorry to hear that, let me see what I can do.
So you paid twice for the second seat, is that right?
The refund takes five to ten days and goes to the card that you paid with.
Our system shows the flight on the third of May in the afternoon.
I will send you an email with the new details within the hour.
There is a change fee of forty dollars for this kind of ticket.
I do not see any other charge on the account since last week.
You can also do that yourself on the page under my bookings.
Let me check with the team that looks after luggage, please hold the line.
Thank you for waiting, I have the answer here in front of me.
The agent before me has written that the form was not complete.
It was sent to the address that we have on file for you.
I understand, that must have been a long day at the airport.
Would you like the travel credit or the money back on the card?
What else did the desk at the gate tell you about the delay?
Right, so the hotel was booked for one night and the taxi was not.""".splitlines()
CALLER = """\
Hello, I am calling because my flight was cancelled and nobody answers.
It is four two seven one nine, and the name is Holloway.
Yes, that is right, I paid for it with my own card.
I waited for two hours and then I had to take a taxi to the hotel.
No, I did not get any email about that, and I looked twice.
Okay.
How long does it take until I see the money on my account?
Can you tell me what the new time of the flight is?
I think that it was on a Tuesday in the middle of the month.
Well, that is what the other person told me as well last week.
My wife has booked the seats and I only know about the bags.
That sounds fine to me, please go on and do it like that.
Mhm.
I really do not want a voucher, I want to have my money back.""".splitlines()
FILLERS = [
    "well",
    "so",
    "now",
    "then",
    "also",
    "just",
    "really",
    "maybe",
    "still",
    "today",
    "here",
    "again",
    "perhaps",
    "indeed",
    "actually",
]
NUMBERS = [
    "two",
    "three",
    "four",
    "six",
    "seven",
    "eight",
    "nine",
    "eleven",
    "twelve",
    "fifteen",
    "thirty",
    "forty",
]
ENDS = ("A: Is there anything else I can do for you?", "C: No, that is all, thank you.",
        "A: Thank you for choosing Northwind, have a nice day.", "C: Bye.")  # fmt: skip


def criteria() -> list[dict[str, Any]]:
    """Return the checks of the 25 criteria."""
    return [
        {
            "kind": "said",
            "within": {"first_turn": True},
            "any": ["{brand}", "{brand} air"],
            "names": {"after": ["calling", "welcome to"]},
        },
        {
            "kind": "said",
            "within": {"first_seconds": 15},
            "any": [
                "how (can|may|could) (i|we) (help|assist)",
                "what can (i|we) do for you",
                "what (brings|brought) you (here|to us)",
            ],
        },
        {
            "kind": "own_name",
            "within": {"first_seconds": 20},
            "patterns": ["my name is <word>", "this is <word>", "you are speaking (to|with) <word>"],
        },
        {
            "kind": "said",
            "within": {"last_turns": 3},
            "any": ["anything else [i can] (do|help)", "any other questions", "something else i can"],
            "reply": {"before": ["bye", "goodbye"]},
        },
        {
            "kind": "said",
            "within": {"last_turns": 2},
            "same_turn": True,
            "all": [
                {"name": "thanks", "any": ["thank you", "thanks"]},
                {"name": "the brand", "any": ["{brand}"]},
            ],
        },
        {
            "kind": "said",
            "any": [
                "thank you for (waiting|holding)",
                "thanks for your patience",
                "sorry (for|about) the wait",
            ],
            "within": {"after": ["(please hold|one moment|hold the line)"], "seconds": 120},
        },
        {
            "kind": "said",
            "all": [
                {
                    "name": "days",
                    "any": ["<number> to <number> [business] days", "in <number> [business] days"],
                },
                {"name": "way", "any": ["to (the|your) card", "[original] (card|form of payment)"]},
            ],
            "once": ["refund", "money back"],
        },
        {
            "kind": "said",
            "by": "either",
            "any": ["confirm ... email", "send you an email", "get an email with the details"],
        },
        {
            "kind": "said",
            "patterns": [r"within (the|an|\d+) (hour|hours|day|days)", r"(?:\w+ ){0,3}by tomorrow"],
        },
        {
            "kind": "said",
            "any": [
                "i (understand|see) how (hard|annoying) that is",
                "that must have been ... (day|time|wait)",
            ],
            "at_least": 2,
        },
        {
            "kind": "avoided",
            "any": [
                "stupid",
                "idiot",
                "shut up",
                "nonsense",
                "not my problem",
                "i do not care",
                "you people",
                "calm down",
                "that is ridiculous",
                "whatever",
            ],
            "guards": ["repeated", "quoted"],
        },
        {
            "kind": "avoided",
            "any": [
                "(they|the airline|the company) (have|has|do|does|want|wants|say|says)",
                "(their|the company's) (rules|policy|system)",
            ],
            "exact": True,
            "guards": ["quoted"],
            "times": 2,
        },
        {
            "kind": "avoided",
            "any": ["i (guarantee|promise) [you]", "for sure", "one hundred percent", "definitely will be"],
            "guards": ["negated", "asked"],
        },
        {
            "kind": "avoided",
            "any": ["{other_brands}"],
            "names": True,
            "right_names": ["{brand}"],
            "guards": ["negated"],
        },
        {
            "kind": "avoided",
            "patterns": [r"(?:as|like) i (?:said|told you)", r"you (?:should|must) have \w+"],
        },
        {
            "kind": "answered",
            "trigger": [
                "angry",
                "upset",
                "flight was cancelled",
                "nobody [ever] (answers|called)",
                "waited ... hours",
                "terrible",
                "unacceptable",
            ],
            "reply": ["[so] sorry (to hear|about|for)", "i understand", "apologize", "that must have been"],
        },
        {
            "kind": "answered",
            "trigger": ["how long does it take", "when will i (get|see)"],
            "reply": ["<number> to <number> days", "it takes ... (days|weeks)"],
        },
        {
            "kind": "asked",
            "any": ["(booking|reservation) (number|code)", "your reference"],
            "answer": "number",
        },
        {
            "kind": "asked",
            "any": ["would you like", "do you (want|prefer)", "is that right"],
            "answer": "yes_no",
        },
        {
            "kind": "order",
            "first": [
                {
                    "name": "booking number",
                    "asked": ["booking (number|code)", "reference number"],
                    "answer": "digits",
                },
                {"name": "full name", "asked": ["full name", "(first|last) name"], "answer": "name"},
            ],
            "before": ["<amount>", "<date>", "our system shows", "the flight (is|was) on"],
        },
        {"kind": "readback", "asked": ["booking (number|code)"], "not_after": ["card number"]},
        {
            "kind": "terms",
            "terms": [
                {"right": ["travel credit", "flight credit"], "wrong": ["voucher", "coupon"]},
                {"right": ["change fee"], "wrong": ["penalty", "fine of"]},
            ],
        },
        {"kind": "caller_name", "patterns": ["my name is <word>", "the name is <word>", "this is <word>"]},
        {
            "kind": "acoustic",
            "measure": "dead_air",
            "announced": ["one moment", "please hold", "let me check"],
        },
        {"kind": "acoustic", "measure": "interruptions", "at_most": 2},
    ]


def rubric_of(times: int = 1) -> Rubric:
    """Build the rubric; `times` as many criteria, the others of which ask for phrases of their own."""
    sections = []
    for copy in range(times):
        lines = [
            {"id": f"c{copy}-{place}", "title": f"Line {place}", "points": 4, "check": changed(check, copy)}
            for place, check in enumerate(criteria())
        ]
        sections.append({"id": f"s{copy}", "title": "Section", "criteria": lines})
    return build_rubric(
        {
            "id": "bench",
            "version": 1,
            "title": "Bench",
            "effective_from": "2026-01-01",
            "pass_mark": 85,
            "variables": {"brand": ["Northwind", "North Wind"], "other_brands": ["Star Air", "Blue Jet"]},
            "sections": sections,
        }
    )


def changed(value: Any, copy: int, key: str = "") -> Any:
    """Give a copy of a check words of its own: each phrase ends in another word."""
    if isinstance(value, dict):
        return {name: changed(part, copy, name) for name, part in value.items()}
    if isinstance(value, list):
        own = copy and key not in ("patterns", "guards")
        return [f"{v} {_word(copy)}" if own and isinstance(v, str) else changed(v, copy) for v in value]
    return value


def _word(number: int) -> str:
    return "".join(chr(97 + int(digit)) for digit in f"{number + 1000}")


def call_of(seed: int, words: int = WORDS) -> Call:
    """Make a call of about so many words, at 160 words a minute."""
    rng = random.Random(seed)
    lines = ["A: " + AGENT[0], "C: " + CALLER[0]]
    count = sum(len(line.split()) - 1 for line in (*lines, *ENDS))
    while count < words:
        speaker, pool = ("A", AGENT) if len(lines) % 2 == 0 else ("C", CALLER)
        said = [_varied(rng, rng.choice(pool[1:])) for _ in range(rng.choice((1, 1, 2, 3)))]
        lines.append(f"{speaker}: {' '.join(said)}")
        count += len(lines[-1].split()) - 1
    return scripted_call([*lines, *ENDS], agent_name="Dana")


def _varied(rng: random.Random, sentence: str) -> str:
    """Change a sentence a little, so that no two calls share all their turns."""
    words = sentence.split()
    for _ in range(max(1, len(words) // 5)):
        words.insert(rng.randrange(1, len(words) + 1), rng.choice(FILLERS + NUMBERS))
    return " ".join(words)


def strings(value: Any) -> Iterator[str]:
    """Yield the phrases of a check, without names of kinds and of answers."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name not in ("kind", "guards", "answer", "name", "measure", "by", "patterns"):
                yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)
    elif isinstance(value, str):
        yield value
