"""The session cookie: signed, for this host alone, never sent in the clear except to this very machine."""

from __future__ import annotations

import ipaddress

from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface


def is_loopback_host(host: str) -> bool:
    """Say whether a Host header names this machine, as the demo's address does."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    name = name.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def may_be_plain() -> bool:
    """Say whether this request may get a cookie without Secure: plain HTTP to this very machine."""
    return not request.is_secure and is_loopback_host(request.host)


class OwnSessions(SecureCookieSessionInterface):
    """Flask's signed cookie, named and protected by how the request came in."""

    def get_cookie_name(self, app: Flask) -> str:
        """Return the name; browsers keep a `__Host-` cookie only over HTTPS and for this host alone."""
        return "sid" if may_be_plain() else "__Host-sid"

    def get_cookie_secure(self, app: Flask) -> bool:
        """Demand HTTPS, except on this very machine."""
        return not may_be_plain()

    def get_cookie_httponly(self, app: Flask) -> bool:
        """Keep scripts away from the cookie."""
        return True

    def get_cookie_samesite(self, app: Flask) -> str:
        """Send the cookie along when somebody follows a link to here, not with requests of other sites."""
        return "Lax"
