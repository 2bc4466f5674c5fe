"""`qa-audit rubric backtest`: in words and as JSON, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qa_audit.runtime import Runtime
from tests import auditing, factories
from tests.cli.serving import run
from tests.services.test_backtesting import TEXT, YES


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def changed(runtime: Runtime, tmp_path: Path) -> str:
    """A changed rubric's file; three calls of one vendor are audited under version 1, and one of sample history."""
    with runtime.db.write() as session:
        side = auditing.make_side(session, factories.make_vendor(session, slug="ours", name="Ours"))
        for closes in ("no", "no", "yes"):
            auditing.make_audited(session, side, {**YES, "closes": closes}, source=TEXT, transcript=None)
        auditing.make_audited(session, side, YES, source=TEXT, is_sample=True)
    path = tmp_path / "changed.yaml"
    text = TEXT.replace("version: 1", "version: 2").replace("points: 40", "points: 10")
    path.write_text(text.replace("good morning", "good day"), encoding="utf-8")
    return str(path)


def test_it_says_what_would_change(runtime: Runtime, changed: str) -> None:
    done = run(runtime, "rubric", "backtest", "--rubric", changed, "--against", "manners@1")
    assert done.exit_code == 0
    for line in (
        "  closes: points 40 → 10 (scoring)",
        '  greets: phrase "good day" added (machine)',
        "3 audits scored under both.",
        "1 audit of sample history left out (--with-sample counts them).",
        "  before: mean 73.33 (spread 23.09), 1 pass, 2 fail, 0 open",
        "  0 from pass to fail, 2 from fail to pass, 0 to or from open",
        "  Ours (3 audits): 0 to fail, 2 to pass",
        "The machine's rules change, but no audited call could be heard again.",
    ):
        assert line in done.output.splitlines()


def test_it_gives_json(runtime: Runtime, changed: str) -> None:
    done = run(
        runtime,
        "rubric",
        "backtest",
        "--rubric",
        changed,
        "--against",
        "manners@1",
        "--json",
        "--with-sample",
    )
    found = json.loads(done.output)
    assert (done.exit_code, found["schema"], found["audits"]) == (0, "qa-audit/backtest@1", 4)
    assert [flip["after"] for flip in found["flips"]] == ["pass", "pass"]


@pytest.mark.parametrize(
    ("against", "words"),
    [
        ("manners", "ID@VERSION"),
        ("manners@x", "ID@VERSION"),
        ("manners@9", "There is no version 9"),
        ("other@1", "There is no version 1 of a rubric 'other'"),
    ],
)
def test_a_version_that_is_none_is_refused(runtime: Runtime, changed: str, against: str, words: str) -> None:
    done = run(runtime, "rubric", "backtest", "--rubric", changed, "--against", against)
    assert done.exit_code != 0
    assert words.replace("ID@VERSION", "such as brand-consistency@1") in done.output.replace("\n", " ")


def test_a_file_that_is_no_rubric_is_refused_with_its_line(
    runtime: Runtime, changed: str, tmp_path: Path
) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(TEXT.replace("pass_mark", "pass_marc"), encoding="utf-8")
    done = run(runtime, "rubric", "backtest", "--rubric", str(path), "--against", "manners@1")
    assert done.exit_code != 0
    assert "line 5" in done.output
