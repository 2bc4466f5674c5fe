"""Hostile rubric files are refused with clear errors and at once: nothing is built, expanded or matched for ever."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from qa_audit.cli.main import main
from qa_audit.services.rubric_files import MAX_BYTES
from tests.rubrics.test_rubric_files import GOOD

GUARD = 5.0
"""Seconds after which something hangs; each case takes a fraction of one."""

LAUGHS = "[" + ", ".join(f"&l{n} [*l{n - 1}, *l{n - 1}]" for n in range(1, 60)) + "]"
WORD = "(a|b|c|d|e|f|g|h)"


def titled(value: str) -> str:
    return GOOD.replace("title: All", f"title: {value}")


def with_check(check: str) -> str:
    return GOOD.replace('kind: said\n          any: ["{brand}"]', check)


HOSTILE = {
    "anchor bomb": (
        "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(50)),
        "anchors and aliases",
    ),
    "alias cycle": ("a: &a [*a]", "anchors and aliases"),
    "billion laughs in flow style": (f"a: {{l0: &l0 [ha, ha], all: {LAUGHS}}}", "anchors and aliases"),
    "the same key twice": (GOOD + "title: Again\n", "title: is given twice"),
    "the same key twice, deep": (titled("All\n    title: Again"), "sections[0].title: is given twice"),
    "the same key twice in a flow mapping": (
        with_check("{kind: said, any: [x y z], any: [a b c]}"),
        "check.any: is given twice",
    ),
    "merge key": (GOOD + "<<: {title: Other}\n", "merge keys (<<) are not allowed"),
    "merge key, deep": (titled("All\n    <<: [{id: x}, {id: y}]"), "merge keys (<<) are not allowed"),
    "merge key of an alias": ("base: &b {id: x}\n<<: *b\n", "anchors and aliases"),
    "value key": (GOOD + "=: x\n", "name of a field must be text"),
    "megabyte scalar": (titled("x" * 1_000_000), "is too large"),
    "large scalar": (titled("x" * 400_000), "has 400000 characters"),
    "large folded scalar": (titled(">\n" + "      word word word word\n" * 15_000), "characters; at most"),
    "a million elements": (titled("[" + "a," * 1_000_000 + "a]"), "is too large"),
    "as many elements as fit": (titled("[" + "a," * 250_000 + "a]"), "more than 20000 fields and values"),
    "as many keys as fit": ("".join(f"k{n}: 1\n" for n in range(9_000)), "is not a known field"),
    "deep flow nesting": (titled("[" * 100_000 + "]" * 100_000), "nested deeper than 20"),
    "deep mappings": (titled("{a: " * 50_000), "nested deeper than 20"),
    "deep blocks": ("- " * 100_000, "nested deeper than 20"),
    "deep indentation": ("".join(" " * n + "a:\n" for n in range(900)), "nested deeper than 20"),
    "binary tag": (titled("!!binary aGVsbG8="), "tag tag:yaml.org,2002:binary is not allowed"),
    "python tag": (
        titled("!!python/object/apply:os.system [id]"),
        "python/object/apply:os.system is not allowed",
    ),
    "own tag": (titled("!own x"), "the tag !own is not allowed"),
    "NUL": (titled('"a\x00b"'), "line 11: is not YAML"),
    "control sign": (titled('"a\x07b"'), "line 11: is not YAML"),
    "huge integer": (GOOD.replace("version: 1", "version: " + "9" * 9000), "version: cannot be read"),
    "large integer": (GOOD.replace("version: 1", "version: " + "9" * 4000), "too large"),
    "huge hexadecimal": (GOOD.replace("version: 1", "version: 0x" + "f" * 9000), "too large"),
    "huge exponent": (GOOD.replace("points: 10", "points: 1.0e+999"), "is no ordinary number"),
    "infinity": (GOOD.replace("points: 10", "points: .inf"), "is no ordinary number"),
    "not a number": (GOOD.replace("pass_mark: 85", "pass_mark: .nan"), "is no ordinary number"),
    "sexagesimal": (GOOD.replace("pass_mark: 85", "pass_mark: " + "1:" * 3000 + "1"), "pass_mark"),
    "ten megabytes of comments": ("# comment\n" * 1_000_000 + GOOD, "is too large"),
    "only comments": ("# comment\n" * 40_000, "the file is empty"),
    "tabs": (GOOD.replace("\n    title", "\n\ttitle"), "indent with spaces, not with tabs"),
    "emoji as an id": (GOOD.replace("id: good", "id: \U0001f600"), "line 3: id: string should match"),
    "emoji as a field": (GOOD + "\U0001f600: x\n", "is not a known field"),
    "two documents": (GOOD + "---\n" + GOOD, "line 19: is not YAML"),
    "a list as a key": (GOOD + "? [a, b]\n: x\n", "name of a field must be text"),
    "an unknown kind of a great length": (with_check(f"kind: {'x' * 250}"), "is not a known kind"),
    "phrases that stand for too much": (
        with_check(f'{{kind: said, any: ["{" ".join([WORD] * 12)}"]}}'),
        "variants",
    ),
    "many phrases that stand for much": (
        with_check(
            f"{{kind: said, any: [{', '.join(f'w{n} {WORD} {WORD} {WORD} x' for n in range(6_000))}]}}"
        ),
        "stand for 3072001 variants together",
    ),
    "a phrase of brackets": (with_check('{kind: said, any: ["' + "(" * 290 + 'a"]}'), "not closed"),
    "variables that multiply": (
        with_check('{kind: said, any: ["{brand} {brand} {brand}"]}').replace(
            "brand: Northwind", f"brand: [{', '.join(f'b{n}' for n in range(300))}]"
        ),
        "variants",
    ),
}
for number, pattern in enumerate(
    [
        "(a+)+b",
        "(a|a)*b",
        "(a*)*b",
        "(.*a){20}",
        "(x+x+)+y",
        "([a-z]+)*1",
        "(a|aa)+b",
        r"(\\w+ ?)+!",
        "(?:a?){50}a{50}",
    ]
):
    HOSTILE[f"pattern that backtracks for ever {number}"] = (
        with_check(f'{{kind: said, patterns: ["{pattern}"]}}'),
        "check.patterns[0]",
    )


def check(path: Path) -> tuple[int, str, float]:
    started = time.monotonic()
    result = CliRunner().invoke(main, ["rubric", "check", str(path)])
    return result.exit_code, result.stderr, time.monotonic() - started


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_at_once(name: str, tmp_path: Path) -> None:
    text, expected = HOSTILE[name]
    path = tmp_path / "hostile.yaml"
    path.write_text(text, encoding="utf-8")
    code, errors, seconds = check(path)
    assert code == 1
    assert expected in errors, errors[:500]
    assert "Traceback" not in errors
    assert all(line.startswith(f"{path}: ") and len(line) < 600 for line in errors.splitlines())
    assert len(errors.splitlines()) <= 52
    assert seconds < GUARD


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (GOOD.encode("utf-16"), "line 1: is not UTF-8 text; save it as UTF-8"),
        (GOOD.encode("utf-16-le"), "is not YAML: control characters"),
        (GOOD.encode("utf-32"), "is not UTF-8 text"),
        (b"title: ok\nid: caf\xe9\n", "line 2: is not UTF-8 text"),
        (b"\x80\x04\x95", "line 1: is not UTF-8 text"),
        (b"\x00" * 1000, "is not YAML"),
        (b"\xed\xa0\x80", "is not UTF-8 text"),
        (b"", "the file is empty"),
        (b"\xff" * (MAX_BYTES + 1), "is too large"),
    ],
)
def test_bytes_that_are_no_text_are_refused(raw: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "bytes.yaml"
    path.write_bytes(raw)
    code, errors, seconds = check(path)
    assert code == 1
    assert expected in errors
    assert len(errors.splitlines()) == 1
    assert seconds < GUARD


def test_a_device_that_never_ends_is_refused() -> None:
    code, errors, seconds = check(Path("/dev/zero"))
    assert (code, "is too large" in errors) == (1, True)
    assert seconds < GUARD


@pytest.mark.parametrize("prefix", ["\ufeff", "# \U0001f600 a comment\n", "\n\n\n", "---\n"])
def test_harmless_oddities_are_fine(prefix: str, tmp_path: Path) -> None:
    path = tmp_path / "fine.yaml"
    path.write_text(prefix + titled("Alles gr\u00fcn \U0001f600"), encoding="utf-8")
    assert check(path)[:2] == (0, "")
