"""Pages of people who audit: the queue of calls, and the audit of one."""

from qa_audit.web.review.routes import blueprint

__all__ = ["blueprint"]
