"""Pages for administrators."""

from qa_audit.web.admin.routes import blueprint

__all__ = ["blueprint"]
