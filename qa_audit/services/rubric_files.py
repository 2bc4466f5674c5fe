"""Read rubrics from YAML, safely and with line numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from qa_audit.domain.rubric import Path as DataPath
from qa_audit.domain.rubric import Problem, Rubric, RubricError, build_rubric
from qa_audit.domain.rubric.problems import path_text

MAX_BYTES = 512 * 1024
MAX_SCALAR = 10_000
MAX_DEPTH = 20
"""A rubric's text, one value in it, and its nesting may be no larger than these."""


def load_rubric_file(path: Path) -> Rubric:
    """Read one rubric file; raises RubricError with file, line and path of everything wrong with it."""
    name = path.name
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise RubricError(name, [Problem("", None, _too_large(size))])
        return load_rubric(path.read_text(encoding="utf-8"), name)
    except OSError as error:
        raise RubricError(name, [Problem("", None, f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise RubricError(name, [Problem("", None, "is not UTF-8 text")]) from error


def load_rubric(text: str, source_name: str = "rubric") -> Rubric:
    """Build a rubric from YAML text; raises RubricError with line and path of everything wrong with it.

    Duplicate keys, anchors and aliases, tags, very long values and deep nesting are refused.
    """
    raw = text.encode("utf-8", errors="surrogatepass")
    if len(raw) > MAX_BYTES:
        raise RubricError(source_name, [Problem("", None, _too_large(len(raw)))])
    data, lines = parse_yaml(text, source_name)
    return build_rubric(data, lines, source=source_name, sha256=hashlib.sha256(raw).hexdigest())


def parse_yaml(text: str, source_name: str = "rubric") -> tuple[object, dict[DataPath, int]]:
    """Parse YAML into plain data and the line (from 1) of every path in it; raises RubricError."""
    problems: list[Problem] = []
    try:
        _refuse_events(text, source_name)
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        message = f"is not YAML: {error.problem or error.context}"
        raise RubricError(source_name, [Problem("", line, message)]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise RubricError(source_name, [Problem("", None, "is not YAML")]) from error
    if node is None:
        raise RubricError(source_name, [Problem("", 1, "the file is empty")])
    lines: dict[DataPath, int] = {}
    data = _plain(node, (), lines, problems)
    if problems:
        raise RubricError(source_name, problems)
    return data, lines


def _refuse_events(text: str, source_name: str) -> None:
    """Refuse what could blow up, before anything is built: anchors, tags, long values, nesting."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else None
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise RubricError(
                source_name, [Problem("", line, "anchors and aliases (& and *) are not allowed")]
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise RubricError(source_name, [Problem("", line, f"the tag {tag} is not allowed")])
        if isinstance(event, yaml.ScalarEvent) and len(event.value) > MAX_SCALAR:
            message = f"a value has {len(event.value)} characters; at most {MAX_SCALAR} are allowed"
            raise RubricError(source_name, [Problem("", line, message)])
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise RubricError(
                    source_name, [Problem("", line, f"is nested deeper than {MAX_DEPTH} levels")]
                )
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _plain(node: yaml.Node, path: DataPath, lines: dict[DataPath, int], problems: list[Problem]) -> Any:
    """Build plain data from a node, noting where everything stands."""
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, lines, problems)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, index), lines, problems) for index, item in enumerate(node.value)]
    try:
        return _scalars().construct_object(node)
    except (yaml.YAMLError, ValueError) as error:
        problems.append(Problem(path_text(path), node.start_mark.line + 1, f"cannot be read: {error}"))
        return None


def _mapping(
    node: yaml.MappingNode, path: DataPath, lines: dict[DataPath, int], problems: list[Problem]
) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = _scalars().construct_object(key_node) if isinstance(key_node, yaml.ScalarNode) else None
        if not isinstance(key, Hashable) or not isinstance(key, str):
            problems.append(
                Problem(path_text(path), line, "the name of a field must be text; put it in quotes")
            )
            continue
        if key in data:
            problems.append(Problem(path_text((*path, key)), line, "is given twice"))
            continue
        data[key] = _plain(value_node, (*path, key), lines, problems)
        lines[*path, key] = line
    return data


def _scalars() -> yaml.constructor.SafeConstructor:
    return yaml.constructor.SafeConstructor()


def _too_large(size: int) -> str:
    return f"is too large: {size} bytes; at most {MAX_BYTES} are allowed"
