"""Pages of calls: the list, one call with its sound, uploading, deleting."""

from qa_audit.web.calls import media, upload  # noqa: F401  (they add their routes to the blueprint)
from qa_audit.web.calls.routes import blueprint

__all__ = ["blueprint"]
