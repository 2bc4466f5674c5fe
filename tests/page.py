"""Pages checked as pages: `get_page()` parses strictly and refuses what no page of ours may have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
from flask.testing import FlaskClient

NAMESPACE = "{http://www.w3.org/1999/xhtml}"

ONLY_IN_VERSION_2 = frozenset(
    {
        "hx-ext", "hx-vars", "hx-params", "hx-request", "hx-history", "hx-history-elt", "hx-inherit",
        "hx-disinherit", "hx-prompt", "hx-disabled-elt", "hx-swap-oob-target", "hx-sse", "hx-ws", "hx-on",
    }
)  # fmt: skip
"""Attributes that htmx 4 no longer knows, and hx-on, whose code our policy refuses to run."""

CODE = re.compile(r"\bjs:|\bjavascript:|\[")
"""In a value that htmx reads, these mean code to be compiled."""

INLINE = frozenset({"a", "b", "code", "kbd", "mark", "span", "strong", "time"})

UNLABELLED = frozenset({"hidden", "submit", "button"})


class BadPage(AssertionError):
    """A page breaks a rule that holds for every page."""


def get_page(client: FlaskClient, address: str, *, status: int = 200, **options: Any) -> Element:
    """Get an address, check that it answers with a sound page, and return its parsed root.

    `options` go to the client. Raises BadPage that names what is wrong.
    """
    response = client.get(address, **options)
    if response.status_code != status:
        raise BadPage(f"{address} answered {response.status_code}, not {status}")
    return check_page(response.get_data(as_text=True), response.headers.get("Content-Security-Policy", ""))


def check_page(html: str, policy: str) -> Element:
    """Check a whole page against its policy and return its parsed root."""
    root = parse(html)
    problems = [
        *_title_problems(root),
        *_id_problems(root),
        *_label_problems(root),
        *_form_problems(root),
        *_script_problems(root, policy),
        *element_problems(root),
    ]
    if problems:
        raise BadPage("; ".join(problems))
    return root


def check_fragment(html: str) -> Element:
    """Check a part of a page as it is swapped in and return its parsed root."""
    root = parse(f"<!doctype html><title>part</title>{html}")
    problems = [*_id_problems(root), *_label_problems(root), *_form_problems(root), *element_problems(root)]
    if "<script" in html.lower():
        problems.append("a fragment brings a script along")
    if problems:
        raise BadPage("; ".join(problems))
    return root


def parse(html: str) -> Element:
    """Parse as a browser would, but raise at the first error."""
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), strict=True)
    try:
        root: Element = parser.parse(html)
    except html5lib.html5parser.ParseError as error:
        raise BadPage(f"the page is not sound HTML: {error}") from error
    return root


def find_all(root: Element, tag: str, **attributes: str) -> list[Element]:
    """Return the elements with a tag (`*` for any) and these attribute values; `class_` looks for one class."""
    wanted = attributes.pop("class_", None)
    return [
        element
        for element in root.iter()
        if isinstance(element.tag, str)
        and tag in ("*", element.tag.removeprefix(NAMESPACE))
        and all(element.get(name.replace("_", "-")) == value for name, value in attributes.items())
        and (wanted is None or wanted in (element.get("class") or "").split())
    ]


def text_of(element: Element) -> str:
    """Return the words of an element, with single spaces, as they are read: blocks stand apart."""
    return " ".join("".join(_texts(element)).split())


def _texts(element: Element) -> Iterator[str]:
    if isinstance(element.tag, str):
        yield element.text or ""
        for child in element:
            apart = isinstance(child.tag, str) and child.tag.removeprefix(NAMESPACE) not in INLINE
            yield " " if apart else ""
            yield from _texts(child)
            yield " " if apart else ""
            yield child.tail or ""


def find(root: Element, tag: str, **attributes: str) -> Element:
    """Return the one element there must be."""
    found = find_all(root, tag, **attributes)
    if len(found) != 1:
        raise BadPage(f"expected one {tag} {attributes}, found {len(found)}")
    return found[0]


def element_problems(root: Element) -> list[str]:
    """Name what no element of ours may have: inline code and styles, other hosts, words of htmx 2."""
    problems = []
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        tag = element.tag.removeprefix(NAMESPACE)
        if tag == "style":
            problems.append("a style element")
        for name, value in element.attrib.items():
            if name == "style":
                problems.append(f"an inline style on {tag}")
            if name.startswith("on"):
                problems.append(f"an inline handler {name} on {tag}")
            if name.startswith("hx-"):
                problems += _htmx_problems(tag, name, value)
            if name in ("src", "href", "action", "formaction", "poster") and _leads_away(value):
                problems.append(f"{tag} {name} leads to another host: {value}")
    return problems


def _htmx_problems(tag: str, name: str, value: str) -> list[str]:
    problems = []
    if name.split(":")[0] in ONLY_IN_VERSION_2:
        problems.append(f"{name} on {tag} is no attribute of htmx 4")
    if CODE.search(value):
        problems.append(f"{name} on {tag} holds code: {value}")
    return problems


def _leads_away(value: str) -> bool:
    return bool(re.match(r"(?i)\s*([a-z][a-z0-9+.-]*:|//)", value))


def _title_problems(root: Element) -> list[str]:
    headings = find_all(root, "h1")
    titles = find_all(root, "title")
    if len(headings) != 1 or len(titles) != 1:
        return [f"{len(headings)} h1 and {len(titles)} titles"]
    heading, title = text_of(headings[0]), text_of(titles[0]).removeprefix("Error: ")
    return (
        []
        if heading and title.startswith(heading)
        else [f"the title '{title}' does not start with '{heading}'"]
    )


def _id_problems(root: Element) -> list[str]:
    ids = Counter(element.get("id") for element in root.iter() if element.get("id"))
    return [f"the id '{id}' is used {times} times" for id, times in ids.items() if times > 1]


def _label_problems(root: Element) -> list[str]:
    labelled = {label.get("for") for label in find_all(root, "label")}
    wrapped = {id(field) for label in find_all(root, "label") for field in label.iter()}
    fields = [*find_all(root, "input"), *find_all(root, "select"), *find_all(root, "textarea")]
    return [
        f"no label for the field '{field.get('name') or field.get('id')}'"
        for field in fields
        if (field.get("type") or "text") not in UNLABELLED
        and field.get("id") not in labelled
        and id(field) not in wrapped
        and not field.get("aria-label")
    ]


def _form_problems(root: Element) -> list[str]:
    problems = []
    for form in find_all(root, "form"):
        if form.get("method") == "dialog":
            continue
        name = form.get("action") or "without action"
        if not form.get("action") or form.get("method") not in ("get", "post"):
            problems.append(f"the form {name} lacks action or method")
        if form.get("method") == "post" and not find_all(form, "input", name="csrf_token"):
            problems.append(f"the form {name} brings no token")
        if not [button for button in find_all(form, "button") if button.get("type") == "submit"]:
            problems.append(f"the form {name} has no button")
    return problems


def _script_problems(root: Element, policy: str) -> list[str]:
    found = re.search(r"script-src 'nonce-([^']+)'", policy)
    if not found:
        return ["the policy has no nonce for scripts"]
    problems = []
    for script in find_all(root, "script"):
        if script.get("nonce") != found[1]:
            problems.append(f"the script {script.get('src')} has another nonce than the policy")
        if not script.get("src"):
            problems.append("an inline script")
    return problems
