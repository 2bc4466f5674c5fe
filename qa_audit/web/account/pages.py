"""What the templates of signing in get."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LoginPage:
    """Template account/login.html. `works` is False where the browser would not keep the cookie."""

    email: str
    next: str
    error: str
    works: bool


@dataclass(frozen=True)
class WelcomePage:
    """Template account/welcome.html: the page behind a password link."""

    email: str
    action: str
    error: str
    shortest: int
