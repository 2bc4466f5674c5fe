"""Read rubrics from YAML, safely and with line numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from qa_audit.domain.rubric import Path as DataPath
from qa_audit.domain.rubric import Problem, Rubric, RubricError, build_rubric
from qa_audit.domain.rubric.lint import lint
from qa_audit.domain.rubric.problems import path_text

MAX_BYTES = 512 * 1024
MAX_SCALAR = 10_000
MAX_DEPTH = 20
MAX_VALUES = 20_000
MAX_NUMBER = 10**15
"""A rubric's text, one value in it, its nesting, its parts and its numbers may be no larger than these."""

_TEXT, _MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"


@dataclass(frozen=True)
class Examined:
    """A text looked over: the rubric unless it cannot be used, and everything wrong with it, warnings too.

    `lines` gives the line of every place in the text.
    """

    rubric: Rubric | None
    problems: tuple[Problem, ...]
    lines: Mapping[DataPath, int] = field(default_factory=dict)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Return what has to be mended."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def examine(text: str, source_name: str = "rubric") -> Examined:
    """Look a rubric's YAML text over: what cannot be read, and what can be but is a mistake (see `lint`)."""
    try:
        rubric, lines = _built(text, source_name)
    except RubricError as error:
        return Examined(None, error.problems)
    return Examined(rubric, lint(rubric, lines), lines)


def examine_file(path: Path) -> Examined:
    """Look a rubric file over, as `examine` does."""
    try:
        text = _text_of(path)
    except RubricError as error:
        return Examined(None, error.problems)
    return examine(text, path.name)


def load_rubric_file(path: Path) -> Rubric:
    """Read one rubric file; raises RubricError with file, line and path of everything wrong with it."""
    return load_rubric(_text_of(path), path.name)


def _text_of(path: Path) -> str:
    """Read a file that is not too large; raises RubricError."""
    try:
        if path.is_dir():
            raise RubricError(path.name, [Problem("", None, "is a folder; name a rubric's file")])
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
            size = max(len(raw), path.stat().st_size)
        if size > MAX_BYTES:
            raise RubricError(path.name, [Problem("", None, _too_large(size))])
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise RubricError(path.name, [Problem("", None, f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise RubricError(path.name, [Problem("", line, "is not UTF-8 text; save it as UTF-8")]) from error
    except ValueError as error:
        raise RubricError(path.name, [Problem("", None, "is no name of a file")]) from error


def load_rubric(text: str, source_name: str = "rubric") -> Rubric:
    """Build a rubric from YAML text; raises RubricError with line and path of everything wrong with it.

    Duplicate keys, anchors and aliases, tags, very long values and deep nesting are refused.
    """
    return _built(text, source_name)[0]


@lru_cache(maxsize=64)
def stored_rubric(text: str) -> Rubric:
    """Return the rubric of a text that was published, read once: such a text is sound and never changes."""
    return load_rubric(text)


def text_sha256(text: str) -> str:
    """Return the sha256 of a rubric's text, which its versions are known by."""
    return hashlib.sha256(_raw(text)).hexdigest()


def _raw(text: str) -> bytes:
    return text.encode("utf-8", errors="surrogatepass")


def _built(text: str, source_name: str) -> tuple[Rubric, dict[DataPath, int]]:
    if len(raw := _raw(text)) > MAX_BYTES:
        raise RubricError(source_name, [Problem("", None, _too_large(len(raw)))])
    data, lines = parse_yaml(text, source_name)
    return build_rubric(data, lines, source=source_name, sha256=text_sha256(text)), lines


def parse_yaml(
    text: str, source_name: str = "rubric", *, most_values: int = MAX_VALUES
) -> tuple[object, dict[DataPath, int]]:
    """Parse YAML into plain data and the line (from 1) of every path in it; raises RubricError."""
    problems: list[Problem] = []
    try:
        _refuse_events(text, source_name, most_values)
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        message = f"is not YAML: {error.problem or error.context}{_hint(text, line)}"
        raise RubricError(source_name, [Problem("", line, message)]) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, max(error.position, 0)) + 1
        message = f"is not YAML: {error.reason} (U+{_code(error.character):04X})"
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


def _refuse_events(text: str, source_name: str, most_values: int) -> None:
    """Refuse what could blow up, before anything is built: anchors, tags, long values, nesting."""
    depth = 0
    values = 0
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
        values += isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent))
        if values > most_values:
            message = f"has more than {most_values} fields and values"
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
    line = node.start_mark.line + 1
    try:
        value = _scalars().construct_object(node)
    except (yaml.YAMLError, ValueError) as error:
        why = error.problem if isinstance(error, yaml.MarkedYAMLError) else error
        problems.append(Problem(path_text(path), line, f"cannot be read: {why}"))
        return None
    if isinstance(value, (int, float)) and not abs(value) <= MAX_NUMBER:
        problems.append(Problem(path_text(path), line, "is no ordinary number, or too large a one"))
        return None
    return value


def _mapping(
    node: yaml.MappingNode, path: DataPath, lines: dict[DataPath, int], problems: list[Problem]
) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if key_node.tag == _MERGE:
            problems.append(Problem(path_text(path), line, "merge keys (<<) are not allowed"))
            continue
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != _TEXT:
            problems.append(
                Problem(path_text(path), line, "the name of a field must be text; put it in quotes")
            )
            continue
        key = str(key_node.value)
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


def _hint(text: str, line: int | None) -> str:
    """Say what is behind the most common of YAML's errors: a tab where only spaces may stand."""
    rows = text.splitlines()
    row = rows[line - 1] if line and line <= len(rows) else ""
    return " (indent with spaces, not with tabs)" if "\t" in row[: len(row) - len(row.lstrip())] else ""


def _code(character: object) -> int:
    """Return the number of a character that YAML's reader refuses: it gives it as a number or as itself."""
    return character if isinstance(character, int) else ord(str(character)[:1] or "\0")
