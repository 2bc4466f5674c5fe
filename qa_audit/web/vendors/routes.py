"""The vendors side by side, one vendor from near, and the audits behind a figure."""

from __future__ import annotations

from flask import Blueprint, request

from qa_audit.services.audits_behind import behind
from qa_audit.services.figure_filters import parse_filter
from qa_audit.services.vendor_figures import overview, vendor_detail
from qa_audit.web.auth import actor
from qa_audit.web.context import runtime
from qa_audit.web.htmx import render
from qa_audit.web.vendors.listing import audits_page
from qa_audit.web.vendors.views import index_page, show_page

blueprint = Blueprint("vendors", __name__)


@blueprint.get("/vendors")
def index() -> str:
    """Show every vendor's figures side by side."""
    ports, who = runtime(), actor()
    filter = parse_filter(request.args.items(multi=True))
    return render("vendors/index.html", index_page(overview(ports, who, filter), filter, who))


@blueprint.get("/vendors/<slug>")
def show(slug: str) -> str:
    """Show one vendor's teams, weeks, lines and agents."""
    ports, who = runtime(), actor()
    filter = parse_filter(request.args.items(multi=True))
    return render("vendors/show.html", show_page(vendor_detail(ports, who, slug, filter), filter, who))


@blueprint.get("/vendors/<slug>/audits")
def audits(slug: str) -> str:
    """List the audits that a figure counts."""
    ports, who = runtime(), actor()
    filter = parse_filter(request.args.items(multi=True))
    return render("vendors/audits.html", audits_page(behind(ports, who, slug, filter), filter, who))
