"""What the working processes have in common at their start."""

from __future__ import annotations

from qa_audit import logs
from qa_audit.config import Settings, load_settings
from qa_audit.queue.private_redis import private_url


def start() -> Settings:
    """Configure the logs and read the settings, with the data folder's private Redis where none is set."""
    logs.configure()
    settings = load_settings()
    address = settings.redis_url or private_url(settings.data_dir) or ""
    return settings.model_copy(update={"redis_url": address})
