"""Change single values in a YAML text and leave every other character of it as it is.

The parser says where a value stands, and only that stretch is written anew: comments, order, quoting and line breaks of
everything else stay. What comes out is read again, and an edit that means anything else than it should is refused.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from difflib import SequenceMatcher
from typing import Any, NamedTuple

import yaml

from qa_audit.domain.rubric import Path, RubricError
from qa_audit.domain.rubric.problems import path_text
from qa_audit.errors import Invalid
from qa_audit.services.rubric_files import parse_yaml

Value = str | bool | int | float | date | Sequence[object] | None
"""What a field can be set to; None, an empty text and an empty list take the field away."""

_BLOCK_STYLES = ("|", ">")
_STEP = "  "


class _Splice(NamedTuple):
    """A stretch of the text, and what stands there instead."""

    start: int
    end: int
    text: str


def changed(text: str, path: Path, value: Value, order: Sequence[str] = ()) -> str:
    """Return a YAML text in which one field of a mapping has a value; nothing else in it changes.

    `path` leads to the field, which need not be there yet: then it is added behind the last one that comes before it
    in `order`. A list keeps the items that stay as they are written; new ones are texts. Raises RubricError for what
    is no safe YAML, and Invalid where the text is written in a way that leaves no place for the edit.
    """
    data, _ = parse_yaml(text)
    value = None if isinstance(value, (str, list, tuple)) and not value else value
    wanted = _with(data, path, value)
    if _same(wanted, data):
        return text
    root: Any = yaml.compose(text, Loader=yaml.CSafeLoader)
    try:
        parent = _node(root, path[:-1])
        new = _spliced(text, list(_splices(text, parent, _at(data, path[:-1]), str(path[-1]), value, order)))
        is_right = _same(parse_yaml(new)[0], wanted)
    except (RubricError, LookupError, yaml.YAMLError) as error:
        raise _refused(path) from error
    if not is_right:
        raise _refused(path)
    return new


def _refused(path: Path) -> Invalid:
    name = path_text(path)
    return Invalid(f"'{name}' is written in a way that a form cannot change: change it in the YAML itself.")


def _with(data: object, path: Path, value: Value) -> object:
    """Return a copy of the data with the value at its place; raises Invalid where there is no such place."""
    whole: Any = copy.deepcopy(data)
    inner = whole
    try:
        for step in path[:-1]:
            inner = inner[step]
        if value is None:
            inner.pop(path[-1], None)
        else:
            inner[path[-1]] = list(value) if isinstance(value, (list, tuple)) else value
    except (LookupError, TypeError, AttributeError) as error:
        raise _refused(path) from error
    return whole


def _at(data: Any, path: Path) -> dict[str, Any]:
    for step in path:
        data = data[step]
    return dict(data)


def _same(one: object, other: object) -> bool:
    """Compare plain data by value and kind, so that 1, 1.0 and true differ; the order of fields means nothing."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(part, other[key]) for key, part in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(*pair) for pair in zip(one, other, strict=True))
    return one == other


def _node(root: yaml.Node, path: Path) -> yaml.MappingNode:
    node = root
    for step in path:
        if isinstance(node, yaml.MappingNode):
            node = next(value for key, value in node.value if key.value == step)
        else:
            node = node.value[step]
    if not isinstance(node, yaml.MappingNode):
        raise LookupError(path)
    return node


def _spliced(text: str, splices: list[_Splice]) -> str:
    for splice in sorted(splices, reverse=True):
        text = text[: splice.start] + splice.text + text[splice.end :]
    return text


def _splices(
    text: str,
    parent: yaml.MappingNode,
    before: Mapping[str, Any],
    name: str,
    value: Value,
    order: Sequence[str],
) -> Iterator[_Splice]:
    at = next((n for n, (key, _) in enumerate(parent.value) if key.value == name), None)
    if at is None:
        yield _added(text, parent, name, value, order)
        return
    key, old = parent.value[at]
    if value is None:
        yield _removed(text, parent, at)
    elif isinstance(value, (list, tuple)):
        if not isinstance(old, yaml.SequenceNode):
            raise LookupError(name)
        yield from _list_splices(text, old, before[name], value)
    else:
        new = _scalar(value, bool(parent.flow_style), key.start_mark.column, getattr(old, "style", None))
        if old.start_mark.index == old.end_mark.index:
            colon = text.index(":", key.end_mark.index) + 1
            yield _Splice(colon, colon, f" {new}")
        else:
            yield _Splice(old.start_mark.index, _end(text, old), new)


def _end(text: str, node: yaml.Node) -> int:
    """Return where a node's own text ends: the parser counts what follows a block as part of it."""
    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    if isinstance(node, yaml.ScalarNode) and node.style in _BLOCK_STYLES:
        return int(start + len(text[start:end].rstrip()))
    return int(end)


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _line_end(text: str, index: int) -> int:
    """Return the index of the line break that ends a line, or of the end of the text."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found


def _without_line(text: str, start: int, end: int) -> _Splice:
    return _Splice(_line_start(text, start), min(len(text), _line_end(text, end) + 1), "")


def _removed(text: str, parent: yaml.MappingNode, at: int) -> _Splice:
    key, old = parent.value[at]
    start, end = key.start_mark.index, _end(text, old)
    if not parent.flow_style:
        if text[_line_start(text, start) : start].strip():
            raise LookupError("the first field of a list's item shares its line with the dash")
        return _without_line(text, start, end)
    if at:
        return _Splice(_end(text, parent.value[at - 1][1]), end, "")
    following = parent.value[1][0].start_mark.index if len(parent.value) > 1 else end
    return _Splice(start, following, "")


def _added(text: str, parent: yaml.MappingNode, name: str, value: Value, order: Sequence[str]) -> _Splice:
    place = order.index(name) if name in order else len(order)
    before = [n for n, (key, _) in enumerate(parent.value) if key.value in order[:place]]
    old = parent.value[before[-1] if before else -1][1]
    end = _end(text, old)
    if parent.flow_style:
        return _Splice(end, end, f", {name}: {_written(value, True, 0)}")
    column = parent.value[0][0].start_mark.column
    end = _line_end(text, end)
    return _Splice(end, end, f"\n{' ' * column}{name}:{_below(value, column)}")


def _below(value: Value, column: int) -> str:
    """Write what stands behind a new field's colon in a block."""
    if not isinstance(value, (list, tuple)):
        return f" {_scalar(value, False, column)}"
    indent = f"\n{' ' * column}{_STEP}- "
    return "".join(f"{indent}{_scalar(item, False, column, in_list=True)}" for item in value)


def _written(value: Value, is_flow: bool, column: int) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_scalar(item, True, column, in_list=True) for item in value)}]"
    return _scalar(value, is_flow, column)


def _list_splices(
    text: str, node: yaml.SequenceNode, items: Sequence[object], wanted: Sequence[object]
) -> Iterator[_Splice]:
    """Yield what changes a list: items that stay keep their text and the comments beside and above them."""
    matcher = SequenceMatcher(None, [repr(item) for item in items], [repr(item) for item in wanted], False)
    if node.flow_style:
        yield _flow_list(text, node, matcher, wanted)
        return
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind != "equal":
            yield from _block_edit(text, node, (i1, i2), wanted[j1:j2])


def _block_edit(
    text: str, node: yaml.SequenceNode, span: tuple[int, int], new: Sequence[object]
) -> Iterator[_Splice]:
    column = node.start_mark.column
    old = node.value[span[0] : span[1]]
    for item, value in zip(old, new, strict=False):
        style = getattr(item, "style", None)
        yield _Splice(
            item.start_mark.index, _end(text, item), _scalar(value, False, column, style, in_list=True)
        )
    for item in old[len(new) :]:
        yield _without_line(text, item.start_mark.index, _end(text, item))
    rest = new[len(old) :]
    if rest:
        lines = [f"{' ' * column}- {_scalar(value, False, column, in_list=True)}" for value in rest]
        if span[1]:
            at = _line_end(text, _end(text, node.value[span[1] - 1]))
            yield _Splice(at, at, "".join(f"\n{line}" for line in lines))
        else:
            at = _line_start(text, node.value[0].start_mark.index)
            yield _Splice(at, at, "".join(f"{line}\n" for line in lines))


def _flow_list(
    text: str, node: yaml.SequenceNode, matcher: SequenceMatcher[str], wanted: Sequence[object]
) -> _Splice:
    """Write a list in brackets anew: items that stay keep their text, and neighbours what stands between them."""
    spans = [(item.start_mark.index, _end(text, item)) for item in node.value]
    start, end = node.start_mark.index, _end(text, node)
    if not spans:
        return _Splice(start, end, _written(list(wanted), True, 0))
    stays = {j + n: i + n for i, j, size in matcher.get_matching_blocks() for n in range(size)}
    parts = [text[start : spans[0][0]]]
    for j, value in enumerate(wanted):
        kept = stays.get(j)
        if j:
            follows = kept is not None and stays.get(j - 1) == kept - 1
            parts.append(text[spans[kept - 1][1] : spans[kept][0]] if follows and kept else ", ")
        parts.append(text[slice(*spans[kept])] if kept is not None else _scalar(value, True, 0, in_list=True))
    parts.append(text[spans[-1][1] : end])
    return _Splice(start, end, "".join(parts))


def _scalar(
    value: object, is_flow: bool, column: int, style: str | None = None, *, in_list: bool = False
) -> str:
    """Write one value: texts as plain as they can be, or in the quotes that stood there before."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str):
        raise LookupError("only texts, numbers, dates and yes or no can be written")
    if "\n" in value and not is_flow and not in_list:
        lines = "".join(f"\n{' ' * column}{_STEP}{line}".rstrip(" ") for line in value.split("\n"))
        if _reads_as(f"k: |-{_indented(value)}", value):
            return f"|-{lines}"
    if style == "'" and "\n" not in value:
        return "'" + value.replace("'", "''") + "'"
    if style != '"' and _is_plain(value, is_flow, in_list):
        return value
    return json.dumps(value, ensure_ascii=False)


def _indented(value: str) -> str:
    return "".join(f"\n{_STEP}{line}" for line in value.split("\n"))


def _is_plain(value: str, is_flow: bool, in_list: bool) -> bool:
    if "\n" in value:
        return False
    if is_flow:
        return _reads_as(f"k: [{value}, x]" if in_list else f"k: {{j: {value}, x: y}}", value)
    return _reads_as(f"k:\n  - {value}\n" if in_list else f"k: {value}\n", value)


def _reads_as(text: str, value: str) -> bool:
    """Say whether a small text whose first value is this one reads as it, alone."""
    try:
        data, _ = parse_yaml(text)
    except RubricError:
        return False
    inner = data.get("k") if isinstance(data, dict) else None
    if isinstance(inner, list):
        return _same(inner, [value, "x"]) if text.startswith("k: [") else _same(inner, [value])
    if isinstance(inner, dict):
        return _same(inner, {"j": value, "x": "y"})
    return _same(inner, value)
