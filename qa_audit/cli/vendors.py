"""`qa-audit vendor`: the companies whose calls are audited."""

from __future__ import annotations

import click

from qa_audit.cli.database import ready_runtime
from qa_audit.domain.access import SYSTEM
from qa_audit.services import vendors

_CHANNELS = click.Choice(vendors.CHANNELS)
_CHANNELS_HELP = "The side of stereo recordings that the agent is on."
_HINT_HELP = "A name to expect in calls, such as a brand or product; may be given several times."


@click.group()
def vendor() -> None:
    """Add and change the companies whose calls are audited.

    Example: qa-audit vendor add acme --name "Acme Support"
    """


@vendor.command("add")
@click.argument("slug")
@click.option("--name", help="The name that people see; the slug unless given.")
@click.option("--channels", type=_CHANNELS, default="agent-left", show_default=True, help=_CHANNELS_HELP)
@click.option("--filename-pattern", help="A regular expression with named groups that reads file names.")
@click.option("--hint", "hints", multiple=True, metavar="NAME", help=_HINT_HELP)
def add_vendor(
    slug: str, name: str | None, channels: str, filename_pattern: str | None, hints: tuple[str, ...]
) -> None:
    """Add a vendor; SLUG is its short name in addresses and uploads.

    Example: qa-audit vendor add acme --name "Acme Support" --channels agent-right
    """
    added = vendors.add(
        ready_runtime(),
        SYSTEM,
        slug,
        name or slug,
        channels=channels,
        filename_pattern=filename_pattern,
        speech_hints=hints,
    )
    click.echo(f"Vendor {added.slug} ({added.name}) is there; its agents are on the {_side(added.channels)}.")
    _show_hints(added)


@vendor.command("list")
def list_vendors() -> None:
    """List the vendors with their number of calls.

    Example: qa-audit vendor list
    """
    found = vendors.list_vendors(ready_runtime(), SYSTEM)
    width = max((len(one.slug) for one in found), default=0)
    for one in found:
        pattern = f"  file names: {one.filename_pattern}" if one.filename_pattern else ""
        click.echo(f"{one.slug:<{width}}  {one.calls:>6} calls  {one.channels:<11}  {one.name}{pattern}")
    if not found:
        click.echo("There are no vendors yet. Add one: qa-audit vendor add acme --name Acme")


@vendor.command("set")
@click.argument("slug")
@click.option("--name", help="The name that people see.")
@click.option("--channels", type=_CHANNELS, help=_CHANNELS_HELP)
@click.option("--filename-pattern", help="A regular expression with named groups; empty removes it.")
@click.option(
    "--hint", "hints", multiple=True, metavar="NAME", help=f"{_HINT_HELP} Replaces all; '' removes."
)
@click.option("--try", "sample", metavar="NAME", help="Show what the pattern reads from this file name.")
def set_vendor(
    slug: str,
    name: str | None,
    channels: str | None,
    filename_pattern: str | None,
    hints: tuple[str, ...],
    sample: str | None,
) -> None:
    """Change a vendor; what is not given stays. Calls that are there already are not changed.

    Example: qa-audit vendor set acme --filename-pattern "_AGENT_(?P<agent>[^_]+)" --try 7_AGENT_Kim.wav
    """
    runtime = ready_runtime()
    changed = vendors.update(
        runtime,
        SYSTEM,
        slug,
        name=name,
        channels=channels,
        filename_pattern=filename_pattern,
        speech_hints=hints or None,
    )
    click.echo(f"Vendor {changed.slug} ({changed.name}): agents are on the {_side(changed.channels)}.")
    _show_hints(changed)
    if sample is not None and not changed.filename_pattern:
        click.echo("  It has no pattern for file names.")
    elif sample is not None:
        read = vendors.preview_pattern(runtime, changed.filename_pattern or "", sample)
        for field, value in read.items():
            click.echo(f"  {field}: {value}")
        if not read:
            click.echo("  The pattern reads nothing from this name.")


def _show_hints(vendor: vendors.VendorInfo) -> None:
    if vendor.speech_hints:
        click.echo(f"  names to expect: {', '.join(vendor.speech_hints)}")


def _side(channels: str) -> str:
    return channels.removeprefix("agent-")
