"""The list of calls, its export, one call, and what can be done to it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from flask import Blueprint, Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from qa_audit.domain.access import ensure
from qa_audit.services import calls, corrections, erasing, tasks
from qa_audit.web.auth import actor
from qa_audit.web.calls.listing import list_page
from qa_audit.web.calls.pages import DeletePage
from qa_audit.web.calls.single import call_page
from qa_audit.web.calls.words import title_of
from qa_audit.web.context import runtime
from qa_audit.web.htmx import render

blueprint = Blueprint("calls", __name__)


@blueprint.get("/calls")
def index() -> str:
    """Show the calls that fit the filter in the address."""
    filter = calls.parse_filter(request.args.items(multi=True))
    return render("calls/list.html", list_page(runtime(), actor(), filter), block="list")


@blueprint.get("/calls.csv")
def export() -> Response:
    """Stream the whole list of a filter as CSV."""
    filter = calls.parse_filter(request.args.items(multi=True))
    rows = calls.csv_rows(runtime(), actor(), filter)
    begun = list(islice(rows, 2))  # what is wrong with the filter has to show before the answer begins
    response = Response(_csv(chain(begun, rows)), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="calls.csv"'
    return response


@blueprint.get("/calls/<id>")
def show(id: str) -> str:
    """Show one call; `t` in the address is where its sound begins, in seconds."""
    ports, who = runtime(), actor()
    call = calls.get_call(ports, who, id)
    begin = request.args.get("t", 0.0, type=float)
    kept = corrections.kept_before(ports, who, id)
    return render("calls/call.html", call_page(ports, who, call, begin, kept=kept), block="body")


@blueprint.post("/calls/<id>/retry")
def retry(id: str) -> BaseResponse:
    """Put the failed stage of a call back to the queue."""
    tasks.retry(runtime(), actor(), id)
    return redirect(url_for("calls.show", id=id), 303)


@blueprint.route("/calls/<id>/delete", methods=["GET", "POST"])
def delete(id: str) -> BaseResponse | str:
    """Ask, and then remove a call with everything made from it."""
    ports, who = runtime(), actor()
    if request.method == "POST":
        erasing.delete_call(ports, who, id)
        flash("The call is deleted.")
        return redirect(url_for("calls.index"), 303)
    call = calls.get_call(ports, who, id)
    ensure(who, "delete_call")
    words = ", ".join(part for part in (title_of(call), call.vendor_name, call.agent) if part)
    action, back = url_for("calls.delete", id=id), url_for("calls.show", id=id)
    return render("calls/delete.html", DeletePage("Delete this call for good?", words, action, back))


def _csv(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Write rows as RFC 4180 has them."""
    for row in rows:
        line = io.StringIO()
        csv.writer(line).writerow(row)
        yield line.getvalue()
