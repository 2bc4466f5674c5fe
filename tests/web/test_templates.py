"""Every template renders, whole and block by block, from its one dataclass, and escapes what it is given."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from flask import Flask, render_template
from jinja2 import Environment, UndefinedError, nodes
from jinja2_fragments.flask import render_block

from qa_audit.config import Settings
from qa_audit.runtime import Runtime, bundled
from qa_audit.web.app import create_app
from qa_audit.web.headers import PAGE_POLICY, nonce
from tests.factories import make_user
from tests.page import BadPage, check_fragment, check_page, find_all
from tests.web.conftest import PASSWORD, hashed, post
from tests.web.examples import EXAMPLES

TEMPLATES = bundled("templates")
NO_PAGES = ("base.html", "macros/")
CASES = [(name, number) for name, pages in EXAMPLES.items() for number in range(len(pages))]


@pytest.fixture(scope="module")
def app(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One application for all templates, which change nothing in it."""
    folder = tmp_path_factory.mktemp("templates")
    path = shutil.copy(sqlite_template, folder / "qa_audit.sqlite3")
    settings = Settings(data_dir=folder, database_url=f"sqlite:///{path}", secret_key="for tests")
    runtime = Runtime(settings)
    yield create_app(runtime)
    runtime.db.dispose()


@pytest.fixture(scope="module")
def cookie(app: Flask) -> str:
    """The session of an admin."""
    with app.extensions["qa_audit"].db.write() as session:
        email = make_user(session, "admin", password_hash=hashed()).email
    client = app.test_client()
    assert post(client, "/login", email=email, password=PASSWORD).status_code == 303
    found = client.get_cookie("sid")
    assert found is not None
    return str(found.value)


@pytest.fixture(params=["signed in", "anonymous"])
def context(request: pytest.FixtureRequest, app: Flask, cookie: str) -> Iterator[None]:
    """A request in which templates can be rendered."""
    headers = {"Cookie": f"sid={cookie}"} if request.param == "signed in" else {}
    with app.test_request_context("/calls", headers=headers):
        app.preprocess_request()
        yield


def names() -> list[str]:
    found = (path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))
    return sorted(name for name in found if not name.startswith(NO_PAGES))


def test_every_template_has_an_example() -> None:
    assert names() == sorted(EXAMPLES)


@pytest.mark.parametrize(("name", "number"), CASES)
def test_a_page_is_sound_and_escapes_what_it_is_given(context: None, name: str, number: int) -> None:
    html = render_template(name, page=EXAMPLES[name][number])
    root = check_page(html, PAGE_POLICY.format(nonce=nonce()))
    assert not [script for script in find_all(root, "script") if script.text]


@pytest.mark.parametrize(("name", "number"), CASES)
def test_every_block_renders_alone(context: None, app: Flask, name: str, number: int) -> None:
    blocks = app.jinja_env.get_template(name).blocks
    for block in blocks:
        html = render_block(name, block, page=EXAMPLES[name][number])
        if block not in ("title", "width", "scripts", "main"):
            check_fragment(html)


@pytest.mark.parametrize("name", names())
def test_a_template_uses_exactly_the_fields_of_its_page(app: Flask, name: str) -> None:
    used = set(_fields_used(app.jinja_env, name))
    kinds = {type(page) for page in EXAMPLES[name]}
    assert len(kinds) == 1
    assert used == {field.name for field in fields(kinds.pop())}


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_templates_hold_no_code_and_no_word_of_htmx_2(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for word in (
        "hx-on",
        "hx-ext",
        "hx-vars",
        "javascript:",
        "js:",
        " style=",
        " onclick",
        "| safe",
        "|safe",
    ):
        assert word not in text, f"{path.name}: {word}"
    if "macros" not in path.parts:
        for attribute in ("hx-get", "hx-post"):
            assert attribute not in text, f"{path.name}: requests are made by macros"


def test_a_block_that_lacks_a_variable_fails_loudly(app: Flask) -> None:
    with app.test_request_context(), pytest.raises(UndefinedError):
        render_block("calls/list.html", "list", page=EXAMPLES["errors/error.html"][0])


def test_the_harness_would_notice_an_unescaped_text(context: None) -> None:
    html = render_template("errors/error.html", page=EXAMPLES["errors/error.html"][0])
    with pytest.raises(BadPage):
        check_page(html.replace("&lt;script", "<script"), PAGE_POLICY.format(nonce=nonce()))


def _fields_used(environment: Environment, name: str) -> Iterator[str]:
    assert environment.loader is not None
    source, _, _ = environment.loader.get_source(environment, name)
    for node in environment.parse(source).find_all(nodes.Getattr):
        if isinstance(node.node, nodes.Name) and node.node.name == "page":
            yield node.attr
