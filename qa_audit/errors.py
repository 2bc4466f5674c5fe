"""The errors that cross layers; each says, in words for the person who sees it, what to do next."""

from __future__ import annotations

from collections.abc import Mapping


class QaAuditError(Exception):
    """Base of every error that a user may see: `message` is one plain sentence or two."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotFound(QaAuditError):
    """The thing does not exist, or not for this actor: outsiders must not be able to tell the two apart."""

    def __init__(self, message: str = "Nothing is here, or it is not yours to see.") -> None:
        super().__init__(message)


class Forbidden(QaAuditError):
    """The actor may see the thing but not do this to it."""


class Invalid(QaAuditError):
    """The input is wrong; `fields` maps each field's name to what is wrong with it."""

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = dict(fields or {})


class Refused(Invalid):
    """A recording that is refused at the door; `kind` says why and decides the HTTP answer.

    Kinds: `not_audio` (415), `broken` (422: empty or broken from the start), `too_large` (413).
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message, {"audio": message})
        self.kind = kind


class Conflict(QaAuditError):
    """Somebody or something else got there first; `retry_after` seconds when waiting helps."""

    def __init__(self, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NoSpace(QaAuditError):
    """The disk is too full to accept more (HTTP 507)."""


class Temporary(QaAuditError):
    """It failed for a passing reason: trying again later can help."""


class Permanent(QaAuditError):
    """It failed for good: trying again with the same input cannot help.

    `failure` is one of the names a call's failure can have (see `domain.workflow.FAILURES`).
    """

    def __init__(self, failure: str, message: str) -> None:
        super().__init__(message)
        self.failure = failure


class Waiting(QaAuditError):
    """The work cannot be done now and no attempt counts: it waits for the installation to change."""


class UnknownLanguage(Waiting):
    """The speech model does not know the call's language: the call waits for another model."""


class LeaseLost(QaAuditError):
    """The task's lease ran out or was taken away: the work's result must be thrown away."""

    def __init__(self, message: str = "The task's lease is gone.") -> None:
        super().__init__(message)


class Stopped(QaAuditError):
    """The process was asked to stop while working: the task goes back to the queue, no attempt is counted."""

    def __init__(self, message: str = "The process is stopping.") -> None:
        super().__init__(message)
