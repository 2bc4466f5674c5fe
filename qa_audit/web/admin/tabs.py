"""The pages of the administration, one beside the other."""

from __future__ import annotations

from flask import request, url_for

from qa_audit.web.pages import NavItem

_PAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("System", ("admin.system",)),
    ("Work", ("admin.tasks",)),
    ("People", ("admin.users", "admin.add_user", "admin.user", "admin.change_user", "admin.new_link")),
    ("Tokens", ("admin.tokens", "admin.create_token")),
    ("Vendors", ("admin.vendors", "admin.add_vendor", "admin.vendor", "admin.change_vendor", "admin.agent")),
)


def tabs() -> tuple[NavItem, ...]:
    """Return the way to each page, marked where one is."""
    return tuple(
        NavItem(label, url_for(endpoints[0]), request.endpoint in endpoints) for label, endpoints in _PAGES
    )
