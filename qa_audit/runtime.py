"""The composition root: the one place that builds adapters, each on its first use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from qa_audit.config import Settings, load_settings

if TYPE_CHECKING:
    from qa_audit.domain.checks.tools import Judge, Meaning, Tools
    from qa_audit.mail.protocol import Mailer
    from qa_audit.media.protocol import MediaStore, Recordings
    from qa_audit.queue.protocol import Jobs
    from qa_audit.speech.protocol import Transcriber
    from qa_audit.storage.database import Database


class Runtime:
    """The adapters of one process. Imports are inside the properties: the web process never imports torch."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], datetime] | None = None,
        *,
        fetching: Callable[[float], None] = lambda fraction: None,
    ) -> None:
        self.settings = settings
        self._fetching = fetching
        self.clock: Callable[[], datetime] = clock or (lambda: datetime.now(UTC))

    @cached_property
    def db(self) -> Database:
        """The database."""
        from qa_audit.storage.database import Database

        return Database(self.settings.database)

    @cached_property
    def media(self) -> MediaStore:
        """The store of recordings and what is made from them."""
        from qa_audit.media.store import open_store

        return open_store(self.settings.media, self.settings.data_dir / "cache")

    @cached_property
    def recordings(self) -> Recordings:
        """Everything that looks into audio bytes."""
        from qa_audit.media.recordings import AvRecordings

        return AvRecordings(self.settings.data_dir / "tmp")

    @cached_property
    def jobs(self) -> Jobs:
        """The doorbell; without a Redis it is a silent one, and the sweep alone gets work done."""
        from qa_audit.queue.rq_jobs import NoJobs, RqJobs

        return RqJobs(self.settings.redis_url) if self.settings.redis_url else NoJobs()

    @cached_property
    def speech(self) -> Transcriber:
        """The speech engine that the settings name; a model that is fetched tells `fetching` how far it is."""
        from qa_audit.speech.engines import open_engine
        from qa_audit.speech.recogniser import SpeechOptions

        settings = self.settings
        options = SpeechOptions(
            beam=settings.speech_beam,
            batch=settings.speech_batch,
            precision=settings.speech_precision,
            device=settings.speech_device,
            threads=settings.speech_threads,
        )
        return open_engine(
            settings.speech_engine,
            settings.whisper_model,
            settings.model_cache,
            options,
            fetching=self._fetching,
        )

    @cached_property
    def mailer(self) -> Mailer:
        """What sends mails: the server that the settings name, or this process's standard output."""
        from qa_audit.mail.console import ConsoleMailer
        from qa_audit.mail.smtp import SmtpMailer

        return SmtpMailer(self.settings.smtp_url) if self.settings.smtp_url else ConsoleMailer()

    @cached_property
    def tools(self) -> Tools:
        """The models of language that checks may ask; each is None unless the settings name it."""
        from qa_audit.domain.checks.tools import Tools

        return Tools(meaning=self._meaning(), judge=self._judge())

    def _meaning(self) -> Meaning | None:
        from qa_audit.language.embeddings import open_meaning

        settings = self.settings
        return open_meaning(settings.meaning_model, settings.model_cache) if settings.meaning_model else None

    def _judge(self) -> Judge | None:
        from qa_audit.language.judge import HttpJudge, Limits
        from qa_audit.language.spend import DaySpend

        settings = self.settings
        if not (settings.judge_url and settings.judge_model):
            return None
        limits = Limits(settings.judge_seconds, settings.judge_call_tokens)
        spend = DaySpend(settings.data_dir / "judge_spend.json", settings.judge_day_tokens, self.clock)
        return HttpJudge(settings.judge_url, settings.judge_model, settings.judge_key, limits, spend)

    @cached_property
    def rubrics_dir(self) -> Path:
        """The folder of the bundled rubrics."""
        return bundled("rubrics")


def bundled(name: str) -> Path:
    """Return a folder that ships beside the package (`templates`, `static`, `rubrics`).

    In a checkout it stands beside the package; in an installed wheel it is inside it.
    """
    package = Path(__file__).parent
    for folder in (package / "_bundled" / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"The folder '{name}' is missing from this installation.")


def build_runtime(
    settings: Settings | None = None, *, fetching: Callable[[float], None] = lambda fraction: None
) -> Runtime:
    """Build the runtime of this process from the settings given or from the environment.

    `fetching` gets the finished fraction (0 to 1) of a speech model that has to be fetched first.
    """
    return Runtime(settings or load_settings(), fetching=fetching)
