"""What the shared templates get: one frozen dataclass each, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["plain", "busy", "good", "bad", "person"]
"""What a mark means: nothing special, being worked on, kept its points, lost them, a person is needed."""


@dataclass(frozen=True)
class NavItem:
    """One entry of the navigation."""

    label: str
    address: str
    is_here: bool


@dataclass(frozen=True)
class Choice:
    """One option of a select."""

    value: str
    label: str
    chosen: bool = False


@dataclass(frozen=True)
class ErrorPage:
    """Templates errors/*.html: what happened and what to do, in words, with the number to find it by."""

    title: str
    message: str
    request_id: str
