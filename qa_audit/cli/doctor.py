"""`qa-audit doctor`: a check of the installation."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict

import click

from qa_audit import logs
from qa_audit.config import load_settings
from qa_audit.errors import Invalid
from qa_audit.queue.private_redis import private_url
from qa_audit.runtime import build_runtime
from qa_audit.services import doctor as checks

SIGNS = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}


@click.command()
@click.option("--no-speed", is_flag=True, help="Do not load the speech model and measure its speed.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def doctor(no_speed: bool, as_json: bool) -> None:
    """Check this installation: settings, database, Redis, media, speech recognition and its speed.

    Exits 1 when something is wrong. Changes and fetches nothing.

    Example: qa-audit doctor
    """
    logs.configure(level=logging.ERROR)
    found: list[checks.Check] = []
    try:
        settings = load_settings()
    except Invalid as error:
        _show(checks.Check("settings", "wrong", error.message), found, as_json=as_json)
    else:
        address = settings.redis_url or private_url(settings.data_dir) or ""
        runtime = build_runtime(settings.model_copy(update={"redis_url": address}))
        for check in checks.examine(runtime, speed=not no_speed):
            _show(check, found, as_json=as_json)
    is_sound = all(check.state != "wrong" for check in found)
    if as_json:
        shown = {"ok": is_sound, "checks": [asdict(check) for check in found]}
        click.echo(json.dumps(shown, ensure_ascii=False, indent=1))
    if not is_sound:
        raise click.exceptions.Exit(1)


def _show(check: checks.Check, found: list[checks.Check], *, as_json: bool) -> None:
    found.append(check)
    if not as_json:
        click.echo(f"{SIGNS[check.state]}  {check.part:<15}  {check.words}")
