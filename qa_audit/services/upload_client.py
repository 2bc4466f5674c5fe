"""The uploader's side of the HTTP API: asks by hash, sends, and tries again where that can help."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import httpx

from qa_audit.errors import Invalid, Stopped, Temporary
from qa_audit.services.call_fields import same_value

TRIES = 7
FIRST_TRIES = 3
"""How often something is tried: for half a minute, the time that an upload that died keeps its key.

Less at first contact, where a wrong address is likelier than a pause.
"""
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 20.0
"""Seconds to wait before the second try, doubled each time up to the longest."""

_PASSING = frozenset({429, 502, 503, 504})
_BYTES = "application/octet-stream"
_TIMES = httpx.Timeout(60.0, connect=10.0, read=300.0)

Result = Literal["accepted", "existing", "refused"]


class Wait(Protocol):
    """A pause that ends early, with True, when the work is to stop: `threading.Event.wait`."""

    def __call__(self, seconds: float) -> bool: ...


@dataclass(frozen=True)
class Answer:
    """What became of one recording: `differences` names what is stored otherwise than it was said."""

    result: Result
    id: str | None = None
    reason: str | None = None
    differences: tuple[str, ...] = ()


class Server:
    """One server, asked as one vendor's uploader. Safe to use from several threads.

    Raises Invalid when the token or the vendor is not accepted, Temporary when the server cannot be reached.
    """

    def __init__(
        self,
        url: str,
        token: str,
        vendor: str,
        *,
        stop: threading.Event | None = None,
        wait: Wait | None = None,
        transport: httpx.BaseTransport | None = None,
        connections: int = 8,
    ) -> None:
        self.url = url.rstrip("/")
        self.vendor = vendor
        self._stop = stop or threading.Event()
        self._wait = wait or self._stop.wait
        # A proxy from the environment must not stand between this machine and itself.
        self._client = httpx.Client(
            base_url=f"{self.url}/api/v1",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=_TIMES,
            limits=httpx.Limits(max_connections=connections),
            transport=transport,
            trust_env=not is_loopback(self.url),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def check(self) -> None:
        """Ask once whether server, token and vendor are right, before anything is hashed or sent."""
        self._list({"limit": "1"}, tries=FIRST_TRIES)

    def find(self, sha256: str, said: Mapping[str, object]) -> Answer | None:
        """Return the call that has these bytes, or None; `said` is compared with what is stored."""
        calls = self._list({"sha256": sha256, "limit": "1"})["calls"]
        if not calls:
            return None
        compared = {name: value for name, value in said.items() if name in calls[0]}
        differences = tuple(name for name, value in compared.items() if not same_value(calls[0][name], value))
        named = tuple(name.removesuffix("_sha256") for name in differences)
        return Answer("existing", calls[0]["id"], differences=named)

    def send(
        self,
        path: Path,
        sha256: str,
        fields: Mapping[str, str],
        sent: Callable[[int], None],
        transcript: bytes | None = None,
    ) -> Answer:
        """Send a recording, and a transcript with it; `sent` is told how many bytes are on their way.

        It begins at 0 again at every try.
        """
        headers = {"Idempotency-Key": hashlib.sha256(f"{self.vendor} {sha256}".encode()).hexdigest()}
        beside = {} if transcript is None else {"transcript": ("transcript", transcript, _BYTES)}

        def attempt() -> httpx.Response:
            sent(0)
            with path.open("rb") as opened:
                part = (printable(path.name), _Watched(opened, sent, self._stop), _BYTES)
                form = {"vendor": self.vendor, **fields}
                files: Any = {"audio": part, **beside}
                return self._client.post("/calls", data=form, files=files, headers=headers)

        response = self._retried(attempt)
        if response.status_code in (200, 201):
            body = _body(response)
            differences = tuple(str(item["field"]) for item in body.get("differences", ()))
            return Answer(
                "accepted" if response.status_code == 201 else "existing", body["id"], None, differences
            )
        if response.status_code == 409 and (found := self.find(sha256, {})):
            return found
        self._ensure_welcome(response)
        return Answer("refused", reason=_reason(response))

    def _list(self, query: Mapping[str, str], *, tries: int = TRIES) -> Any:
        wanted = {"vendor": self.vendor, **query}
        response = self._retried(lambda: self._client.get("/calls", params=wanted), tries)
        self._ensure_welcome(response)
        if response.status_code == 404:
            raise Invalid(f"{_reason(response)} Add it first: qa-audit vendor add {self.vendor}.")
        body = _body(response)
        if response.status_code != 200 or "calls" not in body:
            raise Temporary(f"The server at {self.url} does not answer as QA Audit does: {_reason(response)}")
        return body

    def _ensure_welcome(self, response: httpx.Response) -> None:
        if response.status_code in (401, 403):
            how = "Make one with 'qa-audit token create --scope upload' and give it with --token."
            raise Invalid(f"The server at {self.url} does not accept the token. {how}")

    def _retried(self, attempt: Callable[[], httpx.Response], tries: int = TRIES) -> httpx.Response:
        """Try until there is an answer that counts; an answer that says to come back later does not."""
        problem = "it does not answer"
        for number in range(1, tries + 1):
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (number - 1)) * random.uniform(0.9, 1.3)
            try:
                response = attempt()
            except httpx.TransportError as error:
                problem = str(error) or type(error).__name__
            else:
                later = response.headers.get("Retry-After")
                if response.status_code not in _PASSING and (response.status_code != 409 or later is None):
                    return response
                problem = _reason(response)
                pause = max(pause, min(LONGEST_PAUSE, float(later))) if later and later.isdecimal() else pause
            if number < tries and self._wait(pause):
                raise Stopped()
        raise Temporary(f"The server at {self.url} cannot be reached: {problem}")


class _Watched:
    """A file that tells how far it was read, and stops being read when the work is to stop."""

    def __init__(self, file: Any, sent: Callable[[int], None], stop: threading.Event) -> None:
        self._file = file
        self._sent = sent
        self._stop = stop

    def read(self, size: int = -1) -> bytes:
        if self._stop.is_set():
            raise Stopped()
        data: bytes = self._file.read(size)
        self._sent(self._file.tell())
        return data

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        return int(self._file.seek(place, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def fileno(self) -> int:
        return int(self._file.fileno())


def is_loopback(url: str) -> bool:
    """Say whether an address is this very machine's."""
    host = httpx.URL(url).host
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def printable(name: str) -> str:
    """Return a file's name as text, also where its bytes are none."""
    return os.fsencode(name).decode("utf-8", "replace")


def _body(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return {}
    return body if isinstance(body, dict) else {}


def _reason(response: httpx.Response) -> str:
    """Say in one line what the server said."""
    body = _body(response)
    errors = [
        f"{item['field']}: {item['message']}" for item in body.get("errors", ()) if item["field"] != "audio"
    ]
    detail = str(body.get("detail") or f"it answered {response.status_code}.")
    return " ".join([detail, *errors])
