"""What services get from the outside. `runtime.Runtime` provides all of it; tests may provide twins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from qa_audit.config import Settings
from qa_audit.domain.checks.tools import Tools
from qa_audit.mail.protocol import Mailer
from qa_audit.media.protocol import MediaStore, Recordings
from qa_audit.queue.protocol import Jobs
from qa_audit.speech.protocol import Transcriber
from qa_audit.storage.database import Database

Clock = Callable[[], datetime]
"""Returns the time now, with its zone (UTC)."""


class Ports(Protocol):
    """The adapters and settings that use cases work with; each is built on first use."""

    @property
    def settings(self) -> Settings: ...
    @property
    def db(self) -> Database: ...
    @property
    def media(self) -> MediaStore: ...
    @property
    def recordings(self) -> Recordings: ...
    @property
    def jobs(self) -> Jobs: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def speech(self) -> Transcriber: ...
    @property
    def mailer(self) -> Mailer: ...
    @property
    def tools(self) -> Tools: ...
    @property
    def rubrics_dir(self) -> Path: ...
