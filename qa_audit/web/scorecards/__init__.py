"""Pages of scorecards: what the vendor reads, hears and acknowledges."""

from qa_audit.web.scorecards.routes import blueprint

__all__ = ["blueprint"]
