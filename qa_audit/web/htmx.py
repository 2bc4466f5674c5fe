"""Pages and fragments: the one place that knows which of the two a request wants."""

from __future__ import annotations

from flask import render_template, request
from jinja2_fragments.flask import render_block


def is_fragment() -> bool:
    """Say whether htmx asks for the part of a page that it will put into place."""
    headers = request.headers
    return headers.get("HX-Request") == "true" and headers.get("HX-Request-Type") == "partial"


def render(template: str, page: object, *, block: str | None = None) -> str:
    """Render a template with its one dataclass: the named block for htmx, the whole page otherwise."""
    if block is not None and is_fragment():
        fragment: str = render_block(template, block, page=page)
        return fragment
    return render_template(template, page=page)
