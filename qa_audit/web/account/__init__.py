"""Signing in and out, and setting a password by a link."""

from qa_audit.web.account.routes import blueprint

__all__ = ["blueprint"]
