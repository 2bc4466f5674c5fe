"""Forms with recordings, read straight from the connection to disk: no recording is ever held in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

from flask import Request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.formparser import MultiPartParser
from werkzeug.wsgi import get_input_stream

from qa_audit.errors import Invalid
from qa_audit.services.ingest import ReceivedFile, Receiver
from qa_audit.services.ports import Ports
from qa_audit.services.receiving import check_size, ensure_room, too_large

FORM_BYTES = 1 << 20
"""Room for the form's texts and headers beside the recording."""
TEXT_BYTES = 256 << 10
"""The most that one text of a form may take; werkzeug's parser needs room for two of its 64 KiB pieces."""
MOST_PARTS = 60

CUT_OFF = "The form is broken or ends too early. Nothing was stored; send it again."


@dataclass(frozen=True)
class ReceivedForm:
    """A form that arrived whole: its texts in order, and its files as (field, file name, file)."""

    texts: tuple[tuple[str, str], ...]
    files: tuple[tuple[str, str, ReceivedFile], ...]

    def one_file(self, field: str, beside: str | None = None) -> tuple[str, ReceivedFile]:
        """Return name and file of the one recording there must be; raises Invalid naming what is wrong.

        `beside` is the one other field that may hold a file.
        """
        errors = {name: "is no field for a file" for name, _, _ in self.files if name not in (field, beside)}
        found = [(filename, file) for name, filename, file in self.files if name == field]
        if any(name == field for name, _ in self.texts):
            errors[field] = "must be sent as a file with a file name"
        elif not found:
            errors[field] = "is missing: the recording is sent as a file in this field"
        elif len(found) > 1:
            errors[field] = "is given more than once"
        if errors:
            raise Invalid("The upload cannot be used.", errors)
        return found[0]

    def maybe_bytes(self, field: str, most: int) -> bytes | None:
        """Return what a field holds, sent as a file or as text; None where no file was chosen or no text given.

        Raises Invalid when it is given twice or has more than `most` bytes.
        """
        texts = [text for name, text in self.texts if name == field and text.strip()]
        files = [file for name, told, file in self.files if name == field and (told or file.size)]
        if len(texts) + len(files) > 1:
            raise Invalid("The upload cannot be used.", {field: "is given more than once"})
        if any(file.size > most for file in files):
            raise Invalid("The upload cannot be used.", {field: f"is larger than {most // 1_000_000} MB"})
        if files:
            return files[0].path.read_bytes()
        return texts[0].encode("utf-8", "surrogatepass") if texts else None


@contextmanager
def received_form(request: Request, ports: Ports) -> Iterator[ReceivedForm]:
    """Receive a multipart form for the length of the block; files that nobody took over are gone after it.

    All files of one form together may be no larger than one recording.

    Raises Refused(`too_large`), NoSpace, and werkzeug's BadRequest, RequestEntityTooLarge and
    UnsupportedMediaType for what is no whole form.
    """
    receivers: list[Receiver] = []

    def open_receiver(**told: Any) -> IO[bytes]:
        receivers.append(Receiver(ports))
        return cast(IO[bytes], _Sink(receivers[-1]))

    try:
        check_size(ports, _least_size(request))
        ensure_room(ports, request.content_length or 0)
        texts, files = _parse(request, ports, open_receiver)
        yield ReceivedForm(
            tuple((name or "", text) for name, text in texts.items(multi=True)),
            tuple(
                (name or "", file.filename or "", cast(_Sink, file.stream).receiver.finish())
                for name, file in files.items(multi=True)
            ),
        )
    finally:
        for receiver in receivers:
            receiver.discard()


class _Sink:
    """What the form's parser writes a file to."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver

    def write(self, data: bytes) -> int:
        return self.receiver.write(data)

    def seek(self, place: int) -> int:
        return place  # the parser rewinds what it wrote; nobody reads it back from here


class _Body:
    """The request's body: ends where the recording would grow too large or the connection breaks."""

    def __init__(self, request: Request, ports: Ports) -> None:
        self._stream = get_input_stream(request.environ)
        self._left = ports.settings.max_upload_bytes + FORM_BYTES
        self._ports = ports

    def read(self, size: int) -> bytes:
        try:
            data = self._stream.read(size)
        except OSError as error:
            raise BadRequest(CUT_OFF) from error
        self._left -= len(data)
        if self._left < 0:
            raise too_large(self._ports)
        return data


def _least_size(request: Request) -> int | None:
    """Return the least size in bytes that the recording has by the request's own account."""
    return None if request.content_length is None else request.content_length - FORM_BYTES


def _parse(request: Request, ports: Ports, open_receiver: Any) -> tuple[Any, Any]:
    boundary = request.mimetype_params.get("boundary", "")
    if request.mimetype != "multipart/form-data" or not boundary.isascii() or not boundary:
        raise UnsupportedMediaType(
            "Send a form of the kind multipart/form-data, the recording as a file in it."
        )
    parser = MultiPartParser(
        stream_factory=open_receiver, max_form_memory_size=TEXT_BYTES, max_form_parts=MOST_PARTS
    )
    body = cast(IO[bytes], _Body(request, ports))
    try:
        return parser.parse(body, boundary.encode("ascii"), request.content_length)
    except RequestEntityTooLarge as error:
        raise RequestEntityTooLarge("The form's texts are too many or too long.") from error
    except ValueError as error:
        raise BadRequest(CUT_OFF) from error
