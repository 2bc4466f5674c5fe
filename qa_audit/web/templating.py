"""What templates get besides their page: macros, words for numbers and times, addresses of static files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from flask import Flask, g, request, url_for

from qa_audit.domain.access import Action, can
from qa_audit.services.accounts import SignedIn
from qa_audit.web.auth import signed_in
from qa_audit.web.context import runtime
from qa_audit.web.headers import nonce
from qa_audit.web.pages import NavItem

MACROS = {
    "ui": "macros/ui.html",
    "call": "macros/call.html",
    "review": "macros/review.html",
    "foot": "macros/foot.html",
    "rubrics": "macros/rubrics.html",
}
"""Macros are globals, because a block that is rendered alone does not see what its template imports."""

NOTHING = "\u2013"
"""What stands where there is no number yet."""

NAVIGATION: tuple[tuple[str, Action, tuple[str, ...]], ...] = (
    ("Queue", "hear_calls", ("review.queue", "review.show")),
    ("Calls", "see_calls", ("calls.index", "calls.show", "calls.delete")),
    ("Scorecards", "see_scorecards", ("scorecards.index", "scorecards.show")),
    (
        "Rubrics",
        "rubric.read",
        (
            *("rubrics.index", "rubrics.begin", "rubrics.show", "rubrics.differences", "rubrics.corrections"),
            *("rubrics.edit", "rubrics.save", "rubrics.yaml", "rubrics.save_yaml", "rubrics.try_draft"),
            *("rubrics.try_call", "rubrics.backtest", "rubrics.draft_differences", "rubrics.publish"),
            "rubrics.publish_now",
        ),
    ),
    ("Upload", "upload", ("calls.upload", "calls.receive")),
    ("Vendors", "see_vendors", ("vendors.index", "vendors.show", "vendors.audits")),
    (
        "Admin",
        "see_admin",
        (
            *("admin.system", "admin.tasks", "admin.users", "admin.user", "admin.add_user", "admin.new_link"),
            *("admin.tokens", "admin.create_token", "admin.vendors", "admin.vendor", "admin.agent"),
        ),
    ),
)
"""Each entry's label, who sees it, and its pages, the first of which it leads to."""


def install(app: Flask) -> None:
    """Give the environment its filters, globals and macros."""
    environment = app.jinja_env
    environment.filters.update(
        clock=clock, when=when, day=day, iso=iso, count=count, age=age, percent=percent
    )
    environment.globals.update(static=_static_address(Path(app.static_folder or "")))
    environment.globals.update({name: environment.get_template(path).module for name, path in MACROS.items()})
    app.context_processor(_context)


def clock(seconds: float | None, *, tenths: bool = False) -> str:
    """Write a time within a call: 0:46, 12:03, 1:02:03."""
    if seconds is None:
        return NOTHING
    whole = int(seconds) if tenths else round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    text = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return f"{text}.{int(seconds * 10) % 10}" if tenths else text


def when(moment: datetime) -> str:
    """Write a day and time by its own clock: Thu 5 Nov 18:21, with the year unless it is this one."""
    year = "" if moment.year == runtime().clock().year else f" {moment.year}"
    return f"{moment:%a} {moment.day} {moment:%b}{year} {moment:%H:%M}"


def day(moment: date) -> str:
    """Write a day: 5 Nov 2026."""
    return f"{moment.day} {moment:%b %Y}"


def iso(moment: datetime) -> str:
    """Write a moment for machines."""
    return moment.isoformat(timespec="seconds")


def here(moment: datetime) -> datetime:
    """Return a moment in the installation's time zone."""
    return moment.astimezone(ZoneInfo(runtime().settings.time_zone))


def count(number: int, one: str, many: str | None = None) -> str:
    """Write a number with its noun: 1 call, 2 calls."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def age(seconds: float) -> str:
    """Write how long something took or waits, in the largest unit that fits: 40 s, 3 min, 2 h, 5 days."""
    for limit, unit, size in ((90, "s", 1), (5400, "min", 60), (129_600, "h", 3600)):
        if seconds < limit:
            return f"{max(0, round(seconds / size))} {unit}"
    return count(round(seconds / 86_400), "day")


def percent(value: float | None) -> str:
    """Write a percentage with one place, a whole one without."""
    return NOTHING if value is None else f"{value:.1f}".removesuffix(".0")


def _static_address(folder: Path) -> Callable[[str], str]:
    """Return a function that gives a static file's address with its content's hash."""

    @cache
    def digest(name: str) -> str:
        return hashlib.sha256((folder / name).read_bytes()).hexdigest()[:12]

    def address(name: str) -> str:
        return url_for("static", filename=name, v=digest(name))

    return address


def _context() -> dict[str, object]:
    # After an unforeseen error the database is not asked again, not even who is signed in.
    who = None if g.get("is_broken") else signed_in()
    return {"nonce": nonce, "who": who, "navigation": _navigation(who) if who else ()}


def _navigation(who: SignedIn) -> tuple[NavItem, ...]:
    return tuple(
        NavItem(label, url_for(pages[0]), request.endpoint in pages)
        for label, action, pages in NAVIGATION
        if can(who.actor, action)
    )
