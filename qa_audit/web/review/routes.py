"""The queue, the audit of a call, and everything a reviewer does to it."""

from __future__ import annotations

import re
from dataclasses import replace
from http import HTTPStatus
from itertools import chain, islice

from flask import Blueprint, Response, flash, make_response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from qa_audit.domain.access import Actor
from qa_audit.errors import Invalid
from qa_audit.services import csv_cells, review_queue, reviewing
from qa_audit.services.ports import Ports
from qa_audit.services.reviewing import Change, OpenLines, StaleAnswer
from qa_audit.web.auth import actor
from qa_audit.web.context import runtime
from qa_audit.web.htmx import is_fragment, render
from qa_audit.web.review.audit import Request, anchor, review_page
from qa_audit.web.review.queue import queue_page
from qa_audit.web.templating import count

blueprint = Blueprint("review", __name__)

_CLOCK = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):(\d{2}(?:\.\d{1,3})?)")
_SPAN = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)-(\d{1,6}(?:\.\d{1,6})?)")
_NUMBER = re.compile(r"-?[0-9]{1,9}(?:[.,][0-9]{1,6})?")
SHORT_PIN = 4.0
"""Seconds that a pin holds when only its beginning is given."""


@blueprint.get("/review/queue")
def queue() -> str:
    """Show the calls that wait for a person and fit the filter in the address."""
    filter = review_queue.parse_filter(request.args.items(multi=True))
    return render("review/queue.html", queue_page(runtime(), actor(), filter))


@blueprint.get("/review/queue.csv")
def export() -> Response:
    """Stream the whole queue of a filter as CSV."""
    filter = review_queue.parse_filter(request.args.items(multi=True))
    rows = review_queue.csv_rows(runtime(), actor(), filter)
    begun = list(islice(rows, 2))  # what is wrong with the filter has to show before the answer begins
    response = Response(csv_cells.lines(chain(begun, rows)), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="queue.csv"'
    return response


@blueprint.get("/calls/<id>/review")
def show(id: str) -> str:
    """Show the audit of a call; `t` is where its sound begins, `ask` puts the question before submitting."""
    asked = Request(
        begin=request.args.get("t", 0.0, type=float),
        ask="ask" in request.args,
        is_next="next" in request.args,
    )
    return _page(runtime(), actor(), id, asked)


@blueprint.post("/calls/<id>/review/answer")
def answer(id: str) -> BaseResponse | str:
    """Save one line as the form has it; somebody else's newer answer brings up the choice between the two."""
    ports, who, form = runtime(), actor(), request.form
    reviewing.ensure_reviewer(ports, who, id)
    rubric, criterion = form.get("rubric", ""), form.get("criterion", "")
    changed = (rubric, criterion)
    try:
        reviewing.answer(ports, who, id, rubric, criterion, _change(), _seen_version())
    except StaleAnswer as clash:
        page = _page(ports, who, id, Request(clash=clash, changed=changed), "saved")
        return make_response(page, HTTPStatus.CONFLICT)
    if is_fragment():
        return _page(ports, who, id, Request(changed=changed), "saved")
    return _back(id, anchor(*changed))


@blueprint.post("/calls/<id>/review/accept")
def accept(id: str) -> BaseResponse | str:
    """Take over everything that the machine is sure of."""
    ports, who = runtime(), actor()
    reviewing.accept_sure(ports, who, id)
    return _page(ports, who, id, Request(), "audit") if is_fragment() else _back(id)


@blueprint.post("/calls/<id>/review/undo")
def undo(id: str) -> BaseResponse | str:
    """Open again what was accepted in one act."""
    ports, who = runtime(), actor()
    reviewing.undo(ports, who, id, request.form.get("batch", ""))
    return _page(ports, who, id, Request(), "audit") if is_fragment() else _back(id)


@blueprint.post("/calls/<id>/review/speakers")
def speakers(id: str) -> BaseResponse | str:
    """Name who speaks in one turn: `turn` is its number and agent or customer, such as 3:agent."""
    ports, who = runtime(), actor()
    reviewing.ensure_reviewer(ports, who, id)
    number, _, speaker = request.form.get("turn", "").partition(":")
    if not number.isascii() or not number.isdigit() or len(number) > 6:
        raise Invalid("The turn is not known.", {"turn": "must be a number and agent or customer"})
    reviewing.name_speaker(ports, who, id, int(number), speaker or None)  # type: ignore[arg-type]
    return _page(ports, who, id, Request(), "words") if is_fragment() else _back(id, f"#turn-{number}")


@blueprint.post("/calls/<id>/review/submit")
def submit(id: str) -> BaseResponse:
    """Close the audit; with open lines the page asks once. `next` leads on to the next call."""
    ports, who, form = runtime(), actor(), request.form
    on = "next" in form
    try:
        reviewing.submit(ports, who, id, leave_open=form.get("leave_open") == "yes")
    except OpenLines:
        asked = url_for("review.show", id=id, ask="1", next="1" if on else None)
        return redirect(f"{asked}#ask", 303)
    following = review_queue.next_call(ports, who, but=id) if on else None
    if not on:
        flash("The audit is submitted. The vendor sees it once it is published.")
        return _back(id)
    waiting = review_queue.show(ports, who, review_queue.QueueFilter()).counts.to_publish
    flash(f"Submitted. {count(waiting, 'audit')} to publish. This is the next call.")
    return _back(following) if following else redirect(url_for("review.queue"), 303)


@blueprint.post("/calls/<id>/review/take-back")
def take_back(id: str) -> BaseResponse:
    """Open a submitted audit again."""
    reviewing.take_back(runtime(), actor(), id)
    flash("The audit is open again.")
    return _back(id)


def _page(ports: Ports, who: Actor, id: str, asked: Request, block: str | None = None) -> str:
    asked = replace(asked, is_part=block is not None and is_fragment())
    page = review_page(ports, who, reviewing.show(ports, who, id), asked)
    return render("review/review.html", page, block=block)


def _back(id: str, where: str = "") -> BaseResponse:
    return redirect(url_for("review.show", id=id) + where, 303)


def _change() -> Change:
    """Read a whole line from its form. Without JavaScript a moment comes from a button or is typed."""
    form = request.form
    chosen, number = form.get("answer") or None, form.get("number", "").strip()
    if chosen and number:
        raise Invalid(
            "Give a number, or say that the line does not apply: not both.", {"answer": "is given twice"}
        )
    chosen = chosen or (_plain_number(number) if number else None)
    return Change(
        answer=None if "clear" in form else chosen,
        note=form.get("note", ""),
        private_note=form.get("private_note", ""),
        pin=None
        if "unpin" in form
        else _pin(form.get("pin_at", "") or form.get("pin_to", "") or form.get("pin", "")),
    )


def _pin(text: str) -> tuple[float, float] | None:
    """Read a moment: seconds from and to as 43.2-46.1, or a time of the player such as 0:43."""
    text = text.strip()
    if not text:
        return None
    if span := _SPAN.fullmatch(text):
        return float(span[1]), float(span[2])
    if at := _CLOCK.fullmatch(text):
        start = int(at[1] or 0) * 3600 + int(at[2]) * 60 + float(at[3])
        return start, start + SHORT_PIN
    raise Invalid("The moment cannot be read.", {"pin": "must be a time such as 0:43"})


def _plain_number(text: str) -> str:
    """Write a typed number in the one way in which answers are kept; what is none is left to be refused."""
    if not _NUMBER.fullmatch(text):
        return text[:40]
    whole, _, part = text.replace(",", ".").partition(".")
    part = part.rstrip("0")
    return f"{int(whole)}.{part}" if part else str(int(whole))


def _seen_version() -> int | None:
    """Read which version of the line the form was made from; a form without one is never taken for newer."""
    text = request.form.get("seen_version", "")
    if not re.fullmatch(r"\d{1,9}", text):
        raise Invalid("The form is not whole: load the page again.", {"seen_version": "is missing"})
    return int(text)
