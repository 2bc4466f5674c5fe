"""Settings: the only reader of the environment (names in README, 'Settings')."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from email.utils import parseaddr
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from qa_audit.errors import Invalid

PREFIX = "QA_AUDIT_"
SECRETS = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "TOKEN", "MEDIA_URL", "SMTP_URL", "JUDGE_KEY")
TEST_ONLY = {"QA_AUDIT_TEST_DATABASE_URL"}


class Settings(BaseModel):
    """One installation's settings; paths are made absolute, times are seconds, sizes bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data_dir: Path = Path("./var")
    database_url: str = ""
    redis_url: str = ""
    media_url: str = ""
    whisper_model: str = "base.en"
    speech_engine: Literal["openai-whisper", "faster-whisper"] = "openai-whisper"
    speech_beam: int = Field(default=1, ge=1, le=10)
    speech_batch: int = Field(default=0, ge=0, le=64)
    speech_precision: Literal["auto", "float32", "bfloat16", "float16", "int8"] = "auto"
    speech_device: Literal["auto", "cpu", "cuda"] = "auto"
    speech_threads: int = Field(default=0, ge=0, le=256)
    language: str = ""
    meaning_model: str = ""
    judge_url: str = ""
    judge_model: str = ""
    judge_key: str = ""
    judge_seconds: float = Field(default=30, gt=0, le=600)
    judge_call_tokens: int = Field(default=50_000, ge=1000)
    judge_day_tokens: int = Field(default=1_000_000, ge=1000)
    secret_key: str = ""
    port: int = Field(default=8000, ge=1, le=65535)
    url: str = ""
    token: str = ""
    max_upload_bytes: int = Field(default=500 * 1024 * 1024, ge=1024)
    reserve_bytes: int = Field(default=200 * 1024 * 1024, ge=0)
    time_zone: str = "UTC"
    smtp_url: str = ""
    mail_from: str = "QA Audit <qa-audit@localhost>"
    public_url: str = ""
    lease_seconds: float = Field(default=60, gt=0)
    beat_seconds: float = Field(default=15, gt=0)
    sweep_seconds: float = Field(default=15, gt=0)
    grace_seconds: float = Field(default=50, gt=0)

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("language")
    @classmethod
    def _language_tag(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", value):
            raise ValueError("it must be a language such as en or en-GB")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: str) -> str:
        if value and not _is_address(value, "smtp", "smtps"):
            raise ValueError(
                "it must look like smtp://user:password@host:587 or smtps://user:password@host:465"
            )
        return value

    @field_validator("judge_url")
    @classmethod
    def _judge_address(cls, value: str) -> str:
        if value and not _is_address(value, "http", "https"):
            raise ValueError("it must be the address of a language model, such as https://host/v1")
        return value.rstrip("/")

    @field_validator("mail_from")
    @classmethod
    def _sender(cls, value: str) -> str:
        if "@" not in parseaddr(value)[1] or not value.isprintable():
            raise ValueError("it must be a mail address, such as QA Audit <qa@example.org>")
        return value

    @field_validator("public_url")
    @classmethod
    def _public_address(cls, value: str) -> str:
        if value and not _is_address(value, "http", "https"):
            raise ValueError("it must be the address of the pages, such as https://qa.example.org")
        return value.rstrip("/")

    @property
    def address(self) -> str:
        """The address of the pages as people reach them, for links in mails; without a slash at its end."""
        return self.public_url or f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> str:
        """The database's address: SQLite in the data folder unless one is set."""
        return self.database_url or f"sqlite:///{self.data_dir / 'qa_audit.sqlite3'}"

    @property
    def media(self) -> str:
        """The media store's address: a folder in the data folder unless one is set."""
        return self.media_url or f"file://{self.data_dir / 'media'}"

    @property
    def model_cache(self) -> Path:
        """The folder that holds speech models."""
        return self.data_dir / "models"


def _is_address(value: str, *schemes: str) -> bool:
    """Say whether a text is an address with one of these schemes, a host, and a port that can be one."""
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment (or the mapping given).

    Every secret may also be given as NAME_FILE, the path of a file that holds it. Raises Invalid that names
    the variable when one is unknown, unreadable or of the wrong form.
    """
    environment = os.environ if environment is None else environment
    values: dict[str, str] = {}
    known = set(Settings.model_fields)
    for name, value in environment.items():
        if not name.startswith(PREFIX) or name in TEST_ONLY:
            continue
        field = name.removeprefix(PREFIX).lower()
        if field.endswith("_file") and field.removesuffix("_file").upper() in SECRETS:
            field, value = field.removesuffix("_file"), _read_secret(name, value)
        elif field not in known:
            raise Invalid(f"{name} is no setting of QA Audit. The settings are listed in README, 'Settings'.")
        if value:
            values[field] = value
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise Invalid(f"{name} is not usable: {first['msg']}.") from error


def _read_secret(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Invalid(f"{name} names a file that cannot be read: {error.strerror}.") from error


def secret_key(settings: Settings) -> str:
    """Return the key that signs sessions: the one set, else one made once in the data folder (mode 0600)."""
    if settings.secret_key:
        return settings.secret_key
    path = settings.data_dir / "secret_key"
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="utf-8").strip()
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text(encoding="utf-8").strip()
