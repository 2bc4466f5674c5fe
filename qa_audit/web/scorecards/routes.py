"""Scorecards: the list, its export, one card with its sound, publishing and acknowledging."""

from __future__ import annotations

from itertools import chain, islice

from flask import Blueprint, Response, flash, redirect, request, send_file, url_for
from werkzeug.wrappers import Response as BaseResponse

from qa_audit.services import csv_cells, scorecards
from qa_audit.services import scorecard_lists as lists
from qa_audit.web.auth import actor
from qa_audit.web.context import runtime
from qa_audit.web.htmx import render
from qa_audit.web.scorecards.card import card_page
from qa_audit.web.scorecards.listing import list_page

blueprint = Blueprint("scorecards", __name__)


@blueprint.get("/scorecards")
def index() -> str:
    """Show the scorecards that fit the filter in the address."""
    filter = lists.parse_filter(request.args.items(multi=True))
    return render("scorecards/list.html", list_page(runtime(), actor(), filter))


@blueprint.get("/scorecards.csv")
def export() -> Response:
    """Stream the whole list of a filter as CSV."""
    filter = lists.parse_filter(request.args.items(multi=True))
    rows = lists.csv_rows(runtime(), actor(), filter)
    begun = list(islice(rows, 2))  # what is wrong with the filter has to show before the answer begins
    response = Response(csv_cells.lines(chain(begun, rows)), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="scorecards.csv"'
    return response


@blueprint.get("/scorecards/<id>")
def show(id: str) -> str:
    """Show one card; `t` and `to` in the address are the stretch of its sound to start with, in seconds."""
    ports, who = runtime(), actor()
    card = scorecards.show(ports, who, id)
    begin, end = (request.args.get(name, type=float) for name in ("t", "to"))
    return render("scorecards/card.html", card_page(ports, who, card, begin, end))


@blueprint.get("/scorecards/<id>/audio")
def audio(id: str) -> Response:
    """Send the copy in which numbers are silenced; the original has no address."""
    ports = runtime()
    key = scorecards.sound_key(ports, actor(), id)
    response = send_file(ports.media.local_path(key), "audio/mp4", download_name="call.m4a", conditional=True)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Disposition"] = 'inline; filename="call.m4a"'
    return response


@blueprint.post("/scorecards/<id>/acknowledge")
def acknowledge(id: str) -> BaseResponse:
    """Note that a card was read and discussed."""
    scorecards.acknowledge(runtime(), actor(), id, request.form.get("comment", ""))
    return redirect(url_for("scorecards.show", id=id), 303)


@blueprint.post("/calls/<id>/publish")
def publish(id: str) -> BaseResponse:
    """Publish a call's audit, and lead to its scorecard."""
    card = scorecards.publish(runtime(), actor(), id)
    flash("The scorecard is published.")
    return redirect(url_for("scorecards.show", id=card), 303)
