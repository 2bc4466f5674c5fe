"""Pages with what the audits of each vendor come to."""

from qa_audit.web.vendors.routes import blueprint

__all__ = ["blueprint"]
