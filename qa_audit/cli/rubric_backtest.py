"""`qa-audit rubric backtest`: what a changed rubric would have done to the audits that are stored."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qa_audit import logs
from qa_audit.domain.access import SYSTEM
from qa_audit.services.rubric_files import load_rubric_file

if TYPE_CHECKING:  # the database's packages take a second to load, which `rubric check` need not wait for
    from qa_audit.services.backtesting import Agreement, Backtest, Progress, Side, VendorShift

MOST_SHOWN = 20
_AGAINST = re.compile(r"([a-z][a-z0-9-]*)@([1-9][0-9]{0,8})")


@click.command("backtest")
@click.option("--rubric", "path", type=click.Path(path_type=Path), required=True, help="The changed rubric.")
@click.option(
    "--against", metavar="ID@VERSION", required=True, help="The version that audits were made under."
)
@click.option(
    "--newest",
    type=click.IntRange(min=0),
    help="How many of the newest audited calls to hear again when phrases or windows change. [default: 500]",
)
@click.option("--with-sample", is_flag=True, help="Count the demo's sample history too.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def backtest(path: Path, against: str, newest: int | None, with_sample: bool, as_json: bool) -> None:
    """Say what a changed rubric would have made of the stored audits; it changes nothing that is stored.

    People's answers are scored anew, exactly. Changed phrases and windows are run again on stored transcripts,
    and held against what people answered.

    Example: qa-audit rubric backtest --rubric my-rubric.yaml --against brand-consistency@1
    """
    from qa_audit.cli.database import ready_runtime
    from qa_audit.services import backtesting

    given = _AGAINST.fullmatch(against)
    if given is None:
        raise click.BadParameter(
            "must be a rubric's id and version, such as brand-consistency@1", param_hint="--against"
        )
    logs.configure(level=logging.ERROR)
    load_rubric_file(path)
    runtime = ready_runtime()
    with _progress() as show:
        found = backtesting.backtest(
            runtime,
            SYSTEM,
            path.read_text(encoding="utf-8"),
            (given[1], int(given[2])),
            newest=backtesting.NEWEST if newest is None else newest,
            with_sample=with_sample,
            progress=show,
        )
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False, indent=1))
    else:
        for line in told(found):
            click.echo(line)


def told(found: Backtest) -> Iterator[str]:
    """Yield the lines that tell a backtest."""
    yield f"{found.title}: version {found.against} against the text of version {found.version}"
    yield from _listed("Changes", [f"{change} ({change.kind})" for change in found.changes], "none")
    yield ""
    yield f"{_many(found.audits, 'audit')} scored under both."
    if found.left_out:
        yield f"{_many(found.left_out, 'audit')} left out: their version has other lines."
    if found.samples_left_out:
        yield f"{_many(found.samples_left_out, 'audit')} of sample history left out (--with-sample counts them)."
    yield f"  before: {_side(found.before)}"
    yield f"  after:  {_side(found.after)}"
    if found.shift_mean is not None:
        yield f"  a score moves by {found.shift_mean:+.2f} on average (spread {found.shift_spread:.2f})"
    yield f"  {found.to_fail} from pass to fail, {found.to_pass} from fail to pass, {found.to_open} to or from open"
    yield ""
    flips = [
        f"{flip.call}  {flip.vendor}: {flip.before} {_percent(flip.percent_before)} → {flip.after} "
        f"{_percent(flip.percent_after)}"
        for flip in found.flips
    ]
    whole = found.to_fail + found.to_pass + found.to_open
    yield from _listed("Calls that flip", flips, "none", whole)
    yield from _listed(
        "Vendors", [line for vendor in found.vendors for line in _vendor(vendor)], "none", None
    )
    missing = [f"{one.criterion}: {one.reason}" for one in found.not_backtested]
    if missing:
        yield from _listed("Not backtested", missing, "none")
    yield from _checks(found)


def _vendor(vendor: VendorShift) -> Iterator[str]:
    flips = f"{vendor.to_fail} to fail, {vendor.to_pass} to pass"
    yield f"{vendor.name} ({_many(vendor.audits, 'audit')}): {flips}"
    if vendor.rank_before != vendor.rank_after:
        yield f"  place {vendor.rank_before or 'none'} → {vendor.rank_after or 'none'}"
    if vendor.verdict_before != vendor.verdict_after:
        yield f"  was {vendor.verdict_before}; would be {vendor.verdict_after}"


def _checks(found: Backtest) -> Iterator[str]:
    if not found.checks:
        if any(change.kind == "machine" for change in found.changes):
            yield "The machine's rules change, but no audited call could be heard again."
        return
    yield f"The machine's answers, on {_many(found.heard, 'call')} heard again:"
    for check in found.checks:
        yield f"  {check.criterion}: {check.changed} of {check.calls} change"
        yield f"    before: {_agreement(check.before)}"
        yield f"    after:  {_agreement(check.after)}"
        if check.accepted:
            yield (
                f"    {check.accepted} of people's answers were taken over from the machine: "
                "they favour the rule before."
            )


def _agreement(one: Agreement) -> str:
    words = f"as people answered on {one.agreed} of {one.decided}"
    if one.kappa is not None and one.ac1 is not None:
        words += f" (corrected for chance: kappa {one.kappa:.2f}, AC1 {one.ac1:.2f})"
    return f"{words}, {one.open} left open"


def _side(side: Side) -> str:
    mean = "no score" if side.mean is None else f"mean {side.mean:.2f} (spread {side.spread:.2f})"
    return f"{mean}, {side.passed} pass, {side.failed} fail, {side.undetermined} open"


def _percent(percent: float | None) -> str:
    return "no score" if percent is None else f"{percent:g} %"


def _many(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _listed(title: str, lines: list[str], empty: str, whole: int | None = 0) -> Iterator[str]:
    """Yield a title and its lines, cut to what can be read; `whole` counts more than are listed, None cuts none."""
    yield f"{title}:{'' if lines else f' {empty}'}"
    shown = lines if whole is None else lines[:MOST_SHOWN]
    yield from (f"  {line}" for line in shown)
    rest = max(whole or 0, len(lines)) - len(shown)
    if rest:
        yield f"  … and {rest} more"


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """Show progress on stderr where a person watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import Progress as Bars

    from qa_audit.services import backtesting

    with Bars(transient=True) as bars:
        tasks = {step: bars.add_task(step, total=1.0) for step in (backtesting.SCORING, backtesting.HEARING)}
        yield lambda step, done: bars.update(tasks[step], completed=done)
