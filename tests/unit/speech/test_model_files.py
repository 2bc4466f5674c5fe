"""Finding and fetching models: checksums, locks, time-outs, words that say what to do."""

from __future__ import annotations

import hashlib
import http.server
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qa_audit.errors import Permanent, Temporary
from qa_audit.speech import models

BODY = b"weights" * 40_000
SHA = hashlib.sha256(BODY).hexdigest()


class _Handler(http.server.BaseHTTPRequestHandler):
    hits = 0

    def do_GET(self) -> None:
        type(self).hits += 1
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY[: len(BODY) // 2] if self.path == "/cut" else BODY)

    def log_message(self, *args: object) -> None:
        """Stay quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    _Handler.hits = 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def test_a_model_is_fetched_once_and_then_cached(server: str, tmp_path: Path) -> None:
    seen: list[float] = []
    source = models.Source("tiny.en", f"{server}/good", SHA)
    assert not models.is_cached("tiny.en", tmp_path)
    path = models.fetch(source, tmp_path, progress=seen.append)
    assert path.read_bytes() == BODY
    assert seen[-1] == 1.0
    assert models.is_cached("tiny.en", tmp_path)
    assert models.fetch(source, tmp_path) == path
    assert _Handler.hits == 1


def test_two_at_once_fetch_it_once(server: str, tmp_path: Path) -> None:
    source = models.Source("tiny.en", f"{server}/good", SHA)
    with ThreadPoolExecutor(2) as pool:
        paths = list(pool.map(lambda _: models.fetch(source, tmp_path), range(2)))
    assert paths[0] == paths[1]
    assert paths[0].read_bytes() == BODY
    assert _Handler.hits == 1


def test_a_wrong_checksum_leaves_nothing_behind(server: str, tmp_path: Path) -> None:
    with pytest.raises(Temporary, match="damaged"):
        models.fetch(models.Source("tiny.en", f"{server}/good", "0" * 64), tmp_path)
    assert not list(tmp_path.glob("*.pt"))
    assert not list(tmp_path.glob(".*.tmp"))
    assert not models.is_cached("tiny.en", tmp_path)


def test_a_cut_answer_is_temporary(server: str, tmp_path: Path) -> None:
    with pytest.raises(Temporary, match="broke off"):
        models.fetch(models.Source("tiny.en", f"{server}/cut", SHA), tmp_path)


def test_a_missing_file_is_permanent(server: str, tmp_path: Path) -> None:
    with pytest.raises(Permanent) as caught:
        models.fetch(models.Source("tiny.en", f"{server}/missing", SHA), tmp_path)
    assert caught.value.failure == "model_unavailable"


def test_a_refused_connection_says_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Temporary) as caught:
        models.fetch(models.Source("tiny.en", f"http://127.0.0.1:{port}/x", SHA), tmp_path)
    assert "QA_AUDIT_WHISPER_MODEL" in caught.value.message
    assert str(tmp_path / "tiny.en.pt") in caught.value.message


def test_a_silent_server_is_given_up_on(tmp_path: Path) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/x"
        with pytest.raises(Temporary):
            models.fetch(models.Source("tiny.en", url, SHA), tmp_path, timeout=0.3)


def test_a_file_put_there_by_hand_is_verified_and_used(tmp_path: Path) -> None:
    (tmp_path / "tiny.en.pt").write_bytes(BODY)
    path = models.fetch(models.Source("tiny.en", "http://127.0.0.1:1/never", SHA), tmp_path)
    assert path == tmp_path / "tiny.en.pt"
    assert models.is_cached("tiny.en", tmp_path)


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match=r"base\.en") as caught:
        models.find("no-such-model", tmp_path)
    assert caught.value.failure == "model_unavailable"


def test_a_path_is_used_as_it_is_with_its_checksum(tmp_path: Path) -> None:
    path = tmp_path / "own.pt"
    path.write_bytes(BODY)
    assert models.find(str(path), tmp_path) == models.Found(path, "own.pt", SHA)


def test_the_known_names_are_those_of_the_package() -> None:
    import whisper

    assert sorted(models.NAMES) == sorted(whisper._MODELS)
    source = models.source_of("base.en")
    assert len(source.sha256) == 64
    assert source.sha256 in source.url
    for name in models.NAMES:
        assert models._cached_path(name, Path("c")).name == whisper._MODELS[name].rsplit("/", 1)[1]
