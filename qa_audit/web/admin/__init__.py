"""Pages for administrators."""

from qa_audit.web.admin import system, tokens, users, vendors
from qa_audit.web.admin.routes import blueprint

__all__ = ["blueprint", "system", "tokens", "users", "vendors"]
