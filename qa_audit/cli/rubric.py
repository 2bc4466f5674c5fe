"""`qa-audit rubric`: check, test and try rubrics, without database or server."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import click

from qa_audit.cli import rubric_words as words
from qa_audit.cli.rubric_backtest import backtest
from qa_audit.config import load_settings
from qa_audit.domain.call import Call
from qa_audit.domain.checks.tools import Tools
from qa_audit.domain.findings import PreScore
from qa_audit.domain.prescore import prescore
from qa_audit.domain.redact import find_spans, mask
from qa_audit.domain.rubric import Rubric
from qa_audit.errors import Invalid
from qa_audit.runtime import Runtime
from qa_audit.services import labelled_calls, rubric_trials
from qa_audit.services.rubric_files import Examined, examine_file

_FILE = click.Path(path_type=Path)
_MOST_SHOWN = 50


@click.group()
def rubric() -> None:
    """Check, test and try rubrics: what a good call is, as YAML.

    Example: qa-audit rubric check rubrics/*.yaml
    """


rubric.add_command(backtest)


@rubric.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.pass_context
def check(ctx: click.Context, files: tuple[Path, ...]) -> None:
    """Say everything that is wrong with the rubrics FILES, by line and place. Exit 1 on any error.

    A warning is no error: the rubric can be used, but perhaps does not do what its author wants.

    Example: qa-audit rubric check my-rubric.yaml
    """
    failed = False
    for path in files:
        examined = examine_file(path)
        _print_problems(path, examined)
        failed = failed or bool(examined.errors)
        if not examined.errors and examined.rubric is not None:
            click.echo(f"{path}: {words.summary(examined.rubric)}")
    ctx.exit(int(failed))


@rubric.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.pass_context
def test(ctx: click.Context, files: tuple[Path, ...]) -> None:
    """Run the examples that are written in the rubrics FILES. Exit 1 when one gets another answer.

    Example: qa-audit rubric test my-rubric.yaml
    """
    failed = False
    for path in files:
        examined = examine_file(path)
        if examined.rubric is None:
            _print_problems(path, examined)
            failed = True
            continue
        trials = rubric_trials.run_examples(examined.rubric, _tools())
        for line in words.trials(examined.rubric, trials, examined.lines):
            click.echo(f"{path}: {line}")
        failed = failed or not all(trial.passed for trial in trials)
    ctx.exit(int(failed))


@rubric.command()
@click.option("--rubric", "file", required=True, type=_FILE, help="The rubric.")
@click.option(
    "--transcript", required=True, type=_FILE, help="A transcript: our JSON, or any format we import."
)
@click.option(
    "--facts",
    type=_FILE,
    help="YAML or JSON: agent, vendor, queue, direction, variables, and other facts by name.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the pre-score as JSON.")
def score(file: Path, transcript: Path, facts: Path | None, as_json: bool) -> None:
    """Pre-score one transcript: what the machine answers to every line of a rubric, and why.

    Example: qa-audit rubric score --rubric my-rubric.yaml --transcript call.json
    """
    chosen = _rubric(file)
    known = labelled_calls.read_mapping(facts) if facts else {}
    try:
        call = labelled_calls.call_with(labelled_calls.read_transcript(transcript), known)
    except Invalid as error:
        place = f"{facts}: " if facts and not error.message.startswith(transcript.name) else ""
        raise Invalid(f"{place}{error.message}") from error
    found = _prescore(chosen, call)
    if as_json:
        click.echo(json.dumps({"prescores": [found.to_json()]}, ensure_ascii=False, indent=1))
        return
    for line in words.scored(chosen, found):
        click.echo(line)


@rubric.command()
@click.option("--rubric", "file", required=True, type=_FILE, help="The rubric.")
@click.option("--labels", required=True, type=_FILE, help="A folder of labelled calls.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def evaluate(file: Path, labels: Path, as_json: bool) -> None:
    """Say how right a rubric is on calls that people have labelled; docs/labelled-calls.md has the format.

    Example: qa-audit rubric evaluate --rubric my-rubric.yaml --labels calls/
    """
    chosen = _rubric(file)
    calls = labelled_calls.read_folder(labels)
    for one in calls:
        if one.unknown:
            click.echo(f"{one.file}: not known and left out: {', '.join(one.unknown)}", err=True)
    found = rubric_trials.evaluate(chosen, calls, _tools())
    if as_json:
        click.echo(json.dumps(words.evaluation_json(chosen, found), ensure_ascii=False, indent=1))
        return
    for line in words.evaluated(chosen, found):
        click.echo(line)


def _rubric(path: Path) -> Rubric:
    """Read a rubric; raises Invalid with its first problem and the number of others."""
    examined = examine_file(path)
    if examined.rubric is not None:
        return examined.rubric
    first, *others = examined.problems
    more = f" And {len(others)} more: see 'qa-audit rubric check {path}'." if others else ""
    raise Invalid(f"{path}: {first}{more}")


def _prescore(chosen: Rubric, call: Call) -> PreScore:
    masked = mask(call.transcript, find_spans(call.transcript))
    return prescore(chosen, call, masked, tools=_tools())


def _tools() -> Tools:
    """Return the models of language that the settings name; without any, checks do without."""
    return Runtime(load_settings()).tools


def _print_problems(path: Path, examined: Examined) -> None:
    _print(f"{path}: {problem}" for problem in examined.problems[:_MOST_SHOWN])
    more = len(examined.problems) - _MOST_SHOWN
    if more > 0:
        _print([f"{path}: and {more} more"])


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(" ".join(line.split()), err=True)
