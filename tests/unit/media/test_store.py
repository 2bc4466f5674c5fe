"""What every media store promises, checked on each; then what is special about one."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import time
from pathlib import Path

import pytest

from qa_audit.errors import Invalid, NoSpace, NotFound, Temporary
from qa_audit.media import store as store_module
from qa_audit.media.store import LocalMediaStore, check_key, open_store

BUCKET = "calls"


@pytest.fixture
def bucket(monkeypatch):
    """An S3 of this process; skips when boto3 or moto is not installed."""
    boto3 = pytest.importorskip("boto3", reason="boto3 is not installed (extra 's3')")
    moto = pytest.importorskip("moto", reason="moto is not installed (extra 'dev')")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with moto.mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def local(tmp_path):
    return open_store(f"file://{tmp_path}/media", tmp_path / "cache")


@pytest.fixture
def s3(bucket, tmp_path):
    return open_store(f"s3://{BUCKET}/some/prefix", tmp_path / "cache")


@pytest.fixture(params=["local", "s3"])
def store(request):
    return request.getfixturevalue(request.param)


def test_what_is_put_comes_back(store):
    store.put_bytes("recordings/ab12", b"sound")

    with store.open("recordings/ab12") as file:
        file.seek(2)
        assert file.read() == b"und"
    assert store.local_path("recordings/ab12").read_bytes() == b"sound"
    assert store.size("recordings/ab12") == 5


def test_a_file_is_taken_in_from_incoming_and_leaves_nothing_there(store):
    path = store.incoming() / "upload"
    path.write_bytes(b"x" * 100_000)

    store.put_file("recordings/cd34", path)

    assert store.size("recordings/cd34") == 100_000
    assert list(store.incoming().iterdir()) == []


def test_a_file_from_elsewhere_is_copied_and_stays(store, tmp_path):
    path = tmp_path / "bundled.opus"
    path.write_bytes(b"bundled")

    store.put_file("recordings/ef56", path)

    assert path.read_bytes() == b"bundled"
    assert store.local_path("recordings/ef56").read_bytes() == b"bundled"
    assert list(store.incoming().iterdir()) == []


def test_putting_again_replaces_also_what_was_read_before(store):
    store.put_bytes("peaks/a", b"old")
    assert store.local_path("peaks/a").read_bytes() == b"old"

    store.put_bytes("peaks/a", b"new and longer")

    assert store.local_path("peaks/a").read_bytes() == b"new and longer"
    assert store.size("peaks/a") == 14


def test_what_is_not_there_is_not_found(store):
    for look in (store.open, store.local_path, store.size):
        with pytest.raises(NotFound):
            look("recordings/never")


def test_a_part_of_a_key_is_no_key(store):
    store.put_bytes("recordings/ab12/copy", b"1")

    for look in (store.open, store.local_path, store.size):
        with pytest.raises(NotFound):
            look("recordings/ab12")


def test_deleting_removes_for_good_and_twice_is_no_error(store):
    store.put_bytes("recordings/ab12", b"sound")
    store.local_path("recordings/ab12")

    store.delete("recordings/ab12")
    store.delete("recordings/ab12")

    with pytest.raises(NotFound):
        store.local_path("recordings/ab12")
    assert list(store.keys()) == []


def test_every_key_is_listed_with_its_age_and_uploads_in_progress_are_not(store):
    names = {"recordings/ab12", "playback/cd34", "peaks/x/y"}
    for name in names:
        store.put_bytes(name, b"1")
    (store.incoming() / "upload").write_bytes(b"half")

    listed = dict(store.keys())

    assert set(listed) == names
    assert all(-2 < age < 60 for age in listed.values())


@pytest.mark.parametrize(
    "key",
    [
        *(
            "",
            "/",
            "/etc/passwd",
            "..",
            "../x",
            "a/../../x",
            "a/..",
            "a//b",
            "a/",
            "./a",
            ".hidden",
            "a/.part",
        ),
        *("a\\b", "a b", "a\0b", "ä", "a\n", "incoming/x", "incoming", "a" * 101, "/".join("abcdefghi")),
    ],
)
def test_a_key_that_could_leave_the_store_is_refused(store, key):
    for look in (store.open, store.local_path, store.size, store.delete):
        with pytest.raises(Invalid):
            look(key)
    with pytest.raises(Invalid):
        store.put_bytes(key, b"1")


@pytest.mark.parametrize("key", ["a", "recordings/ab12", "a.b/c-d_e/F.m4a", "-a", "_", "/".join("abcdefgh")])
def test_ordinary_keys_are_taken(key):
    assert check_key(key) == key


def test_free_space_is_that_of_the_disk(store):
    space = os.statvfs(store.incoming())

    assert store.free_bytes() == pytest.approx(space.f_bavail * space.f_frsize, rel=0.2)


@pytest.mark.parametrize("url", ["", "file://", "s3://", "s3:///prefix", "http://host/x", "/var/media"])
def test_an_address_that_is_no_store_names_the_setting(url, tmp_path):
    with pytest.raises(Invalid, match="QA_AUDIT_MEDIA_URL"):
        open_store(url, tmp_path)


def test_a_relative_folder_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    store = open_store("file://media", tmp_path)

    assert isinstance(store, LocalMediaStore)
    assert store.root == tmp_path / "media"


def test_file_and_folders_are_synced_before_put_returns(local, monkeypatch):
    seen = []
    real = os.fsync

    def watch(descriptor):
        seen.append(
            Path(os.readlink(f"/proc/self/fd/{descriptor}")).relative_to(local.root.parent).as_posix()
        )
        real(descriptor)

    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc to name file descriptors")
    monkeypatch.setattr(store_module.os, "fsync", watch)
    path = local.incoming() / "upload"
    path.write_bytes(b"1")
    seen.clear()

    local.put_file("recordings/ab12", path)

    assert seen == ["media/incoming/upload", "media", "media/recordings", "media/incoming"]


def test_a_full_disk_is_no_space_and_leaves_no_half_file(local, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    local.incoming()
    monkeypatch.setattr(store_module.os, "fsync", full)

    with pytest.raises(NoSpace):
        local.put_bytes("recordings/ab12", b"1")

    assert list(local.incoming().iterdir()) == []
    assert list(local.keys()) == []


def test_strange_files_in_the_folder_are_not_listed(local):
    local.put_bytes("recordings/ab12", b"1")
    (local.root / ".DS_Store").write_bytes(b"")
    (local.root / "recordings" / "two words").write_bytes(b"")

    assert set(dict(local.keys())) == {"recordings/ab12"}


def test_objects_lie_below_the_prefix_and_are_sent_with_their_checksum(s3, bucket, monkeypatch):
    sent = []
    bucket.meta.events.register(
        "before-call.s3.PutObject", lambda params, **_: sent.append(params["headers"])
    )
    monkeypatch.setattr(s3, "_made", bucket)

    s3.put_bytes("recordings/ab12", b"sound")

    assert bucket.head_object(Bucket=BUCKET, Key="some/prefix/recordings/ab12")["ContentLength"] == 5
    (headers,) = sent
    assert headers["x-amz-checksum-sha256"] == base64.b64encode(hashlib.sha256(b"sound").digest()).decode()


def test_a_second_read_does_not_ask_the_bucket(s3, bucket):
    s3.put_bytes("recordings/ab12", b"sound")
    first = s3.local_path("recordings/ab12")
    bucket.delete_object(Bucket=BUCKET, Key="some/prefix/recordings/ab12")

    assert s3.local_path("recordings/ab12") == first


def test_old_local_copies_make_room_and_fresh_ones_stay(bucket, tmp_path):
    from qa_audit.media.s3 import S3MediaStore

    store = S3MediaStore(BUCKET, "", tmp_path / "cache", cache_bytes=250, keep_seconds=60)
    for name in ("a", "b", "c"):
        store.put_bytes(name, bytes(100))
    old = store.local_path("a")
    os.utime(old, (time.time() - 3_600,) * 2)
    fresh = [store.local_path("b"), store.local_path("c")]

    assert not old.exists()
    assert all(path.exists() for path in fresh)


def test_a_bucket_that_does_not_answer_is_temporary_and_names_no_secret(bucket, tmp_path):
    store = open_store("s3://another-bucket/prefix", tmp_path)

    for ask in (lambda: store.put_bytes("a", b"1"), lambda: list(store.keys())):
        with pytest.raises(Temporary) as caught:
            ask()
        assert "testing" not in caught.value.message


def test_a_put_that_was_not_kept_whole_is_noticed(s3, bucket, monkeypatch):
    monkeypatch.setattr(s3, "_made", bucket)
    monkeypatch.setattr(bucket, "head_object", lambda **_: {"ContentLength": 3})

    with pytest.raises(Temporary, match="did not keep"):
        s3.put_bytes("recordings/ab12", b"sound")


def test_without_boto3_the_extra_is_named(tmp_path, monkeypatch):
    import importlib

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)

    with pytest.raises(Invalid, match="extra 's3'"):
        open_store("s3://bucket/prefix", tmp_path).size("a")
