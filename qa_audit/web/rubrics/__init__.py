"""Rubrics as pages: read by everybody of the client's side; changed, tried and published by admins."""

from qa_audit.web.rubrics import editing
from qa_audit.web.rubrics.routes import blueprint

__all__ = ["blueprint", "editing"]
