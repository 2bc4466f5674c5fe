"""The page checks themselves: each rule is broken once."""

from __future__ import annotations

import pytest

from tests.page import BadPage, check_fragment, check_page, find, text_of

POLICY = "default-src 'none'; script-src 'nonce-abc'"


def page(body: str = "", *, title: str = "Calls · QA Audit", head: str = "") -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>{head}</head>'
        f"<body><h1>Calls</h1>{body}</body></html>"
    )


def test_a_sound_page_passes() -> None:
    root = check_page(page('<p id="a">words</p>', head='<script src="/s.js" nonce="abc"></script>'), POLICY)
    assert text_of(find(root, "p")) == "words"


def test_an_error_title_may_stand_before_the_heading() -> None:
    check_page(page(title="Error: Calls · QA Audit"), POLICY)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<p><div></p>", "not sound HTML"),
        ("<h1>Second</h1>", "2 h1"),
        ('<p id="a"></p><p id="a"></p>', "used 2 times"),
        ('<input name="q">', "no label"),
        ('<form action="/x" method="get"><input type="hidden" name="a"></form>', "no button"),
        ('<form method="post"><button type="submit">Go</button></form>', "lacks action"),
        ('<form action="/x" method="post"><button type="submit">Go</button></form>', "no token"),
        ('<p style="color:red">x</p>', "inline style"),
        ('<p onclick="x()">x</p>', "inline handler"),
        ('<a href="https://example.org/">x</a>', "another host"),
        ('<img src="//example.org/x.png" alt="">', "another host"),
        ('<p hx-ext="sse">x</p>', "no attribute of htmx 4"),
        ('<p hx-on:click="x()">x</p>', "no attribute of htmx 4"),
        ('<p hx-get="/x" hx-trigger="every 3s [visible]">x</p>', "holds code"),
        ("<p hx-vals='js:{a: 1}'>x</p>", "holds code"),
        ('<script src="/s.js"></script>', "another nonce"),
        ('<script nonce="abc">x()</script>', "inline script"),
    ],
)
def test_a_page_that_breaks_a_rule_is_refused(body: str, said: str) -> None:
    with pytest.raises(BadPage, match=said):
        check_page(page(body), POLICY)


def test_a_title_that_says_something_else_than_the_heading_is_refused() -> None:
    with pytest.raises(BadPage, match="does not start with"):
        check_page(page(title="Welcome"), POLICY)


def test_a_policy_without_nonce_is_refused() -> None:
    with pytest.raises(BadPage, match="no nonce"):
        check_page(page(), "default-src 'none'")


def test_a_fragment_with_a_script_is_refused() -> None:
    with pytest.raises(BadPage, match="script"):
        check_fragment('<script src="/s.js"></script>')
