"""Labelled calls: a folder of files, each a call with the answers that a careful person gave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from qa_audit.domain.acoustics import speech_from_words
from qa_audit.domain.call import Call, CallFacts
from qa_audit.domain.evaluation import NOT_APPLICABLE
from qa_audit.domain.imported import alone
from qa_audit.domain.imported.cues import FIELD, MOST_BYTES
from qa_audit.domain.imported.json_values import Value, parse
from qa_audit.domain.rubric import Rubric
from qa_audit.domain.script import scripted_call
from qa_audit.domain.transcript import Layout, Transcript
from qa_audit.errors import Invalid
from qa_audit.services.rubric_files import parse_yaml

ENDINGS = (".yaml", ".yml", ".json")
MOST_YAML_BYTES = 2_000_000
MOST_YAML_VALUES = 400_000

_CALL = ("agent", "agent_name", "agent_aliases", "vendor", "direction", "queue", "language", "layout")
_KNOWN = {*_CALL, "name", "facts", "variables", "labels", "lines", "transcript"}
_SAME = dict.fromkeys(("na", "n/a", "not applicable", "not-applicable", NOT_APPLICABLE), NOT_APPLICABLE)
_SAME |= {"yes": "yes", "no": "no"}


@dataclass(frozen=True)
class LabelledCall:
    """A call and its labels by criterion id; `unknown` are fields of the file that say nothing here."""

    name: str
    file: str
    call: Call
    labels: Mapping[str, str]
    unknown: tuple[str, ...] = ()


def read_folder(folder: Path) -> tuple[LabelledCall, ...]:
    """Read every labelled call in a folder and the folders in it, in order of their names.

    Raises Invalid with one line for each file that cannot be used.
    """
    if not folder.is_dir():
        raise Invalid(f"{folder}: is no folder of labelled calls.")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
    if not paths:
        raise Invalid(f"{folder}: holds no labelled calls ({', '.join(ENDINGS)}).")
    calls, wrong = [], []
    for path in paths:
        try:
            calls.append(read_file(path))
        except Invalid as error:
            wrong.append(error.message)
    if wrong:
        raise Invalid("\n".join(wrong))
    return tuple(calls)


def read_file(path: Path) -> LabelledCall:
    """Read one labelled call; raises Invalid with the file's name."""
    data = read_mapping(path)
    try:
        return LabelledCall(
            name=_text(data, "name") or path.stem,
            file=path.name,
            call=_call(data),
            labels=_labels(data.get("labels")),
            unknown=tuple(sorted(map(str, data.keys() - _KNOWN))),
        )
    except Invalid as error:
        raise Invalid(f"{path.name}: {plain(error)}") from error
    except ValueError as error:
        raise Invalid(f"{path.name}: lines: {error}") from error


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML or JSON file that holds named values; raises Invalid with the file's name."""
    raw = read_bytes(path)
    try:
        text = raw.decode("utf-8-sig")
        if path.suffix.lower() == ".json":
            data: object = parse(text).raw
        elif len(raw) > MOST_YAML_BYTES:
            raise Invalid(f"is larger than {MOST_YAML_BYTES // 1_000_000} MB")
        else:
            data = parse_yaml(text, path.name, most_values=MOST_YAML_VALUES)[0]
    except UnicodeDecodeError as error:
        raise Invalid(f"{path.name}: is not UTF-8 text; save it as UTF-8") from error
    except Invalid as error:
        words = plain(error)
        raise Invalid(words if words.startswith(path.name) else f"{path.name}: {words}") from error
    if not isinstance(data, dict):
        raise Invalid(f"{path.name}: must hold named values")
    return data


def read_transcript(path: Path) -> Transcript:
    """Read a transcript file of any format that is known; raises Invalid with the file's name."""
    try:
        return alone.read(read_bytes(path))
    except Invalid as error:
        words = plain(error)
        raise Invalid(words if words.startswith(path.name) else f"{path.name}: {words}") from error


def read_bytes(path: Path) -> bytes:
    """Read a file that is not larger than any transcript; raises Invalid with the file's name."""
    try:
        if path.is_dir():
            raise Invalid(f"{path.name}: is a folder")
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no name of a file"
        raise Invalid(f"{path.name}: cannot be read: {why}") from error
    if len(raw) > MOST_BYTES:
        raise Invalid(f"{path.name}: is larger than {MOST_BYTES // 1_000_000} MB")
    return raw


def call_with(transcript: Transcript, known: Mapping[str, Any]) -> Call:
    """Make a call of a transcript and what is known about it: agent, vendor, direction, queue, facts, variables.

    Names that are none of these are facts of the call. Raises Invalid for a value of the wrong form.
    """
    others = {name: value for name, value in known.items() if name not in _KNOWN}
    facts = CallFacts(
        duration=transcript.duration, language=transcript.language, speech=speech_from_words(transcript)
    )
    return Call(
        transcript, replace(facts, **_facts({**known, "facts": {**others, **_named(known, "facts")}}))
    )


def labels_for(rubric: Rubric, labelled: LabelledCall) -> dict[str, str]:
    """Return the labels of criteria that a rubric has; raises Invalid for one that its scale does not have."""
    found = {}
    ids = {criterion.id: criterion for criterion in rubric.criteria}
    for id, label in labelled.labels.items():
        if id not in ids:
            continue
        if label != NOT_APPLICABLE:
            try:
                ids[id].share(label)
            except ValueError as error:
                raise Invalid(f"{labelled.file}: labels: {error}") from error
        found[id] = label
    return found


def plain(error: Invalid) -> str:
    """Return an error's words in one line, without the advice that is for uploads."""
    words = error.fields.get(FIELD, error.message)
    return " ".join(words.split(". Correct the file")[0].split())


def _call(data: Mapping[str, Any]) -> Call:
    if ("lines" in data) == ("transcript" in data):
        raise Invalid("give either 'lines' or 'transcript'")
    if "transcript" in data:
        transcript = alone.read_own(Value(data["transcript"]))
        return call_with(transcript, {name: data[name] for name in _KNOWN & data.keys()})
    named = _text(data, "layout") or "stereo-agent-left"
    layout: Layout | None = next((one for one in get_args(Layout) if one == named), None)
    if layout is None:
        raise Invalid(f"layout: must be one of {', '.join(get_args(Layout))}")
    language = _text(data, "language") or "en"
    return scripted_call(_lines(data["lines"]), language=language, layout=layout, **_facts(data))


def _lines(value: object) -> Iterator[str]:
    """Yield script lines; one that YAML read as a mapping or a list, for want of quotes, is mended."""
    if not isinstance(value, list):
        raise Invalid("lines: must be a list of lines")
    for number, line in enumerate(value, 1):
        if isinstance(line, dict) and len(line) == 1:
            speaker, text = next(iter(line.items()))
            yield f"{speaker}: {text}"
        elif isinstance(line, list) and len(line) == 1:
            yield f"[{line[0]}]"
        elif isinstance(line, str):
            yield line
        else:
            raise Invalid(f"lines: line {number}: must be text; put it in quotes")


def _facts(data: Mapping[str, Any]) -> dict[str, Any]:
    vendor = _text(data, "vendor")
    direction = _text(data, "direction")
    if direction not in (None, "inbound", "outbound"):
        raise Invalid("direction: must be inbound or outbound")
    variables = {"vendor_name": vendor} if vendor else {}
    return {
        "agent_name": _text(data, "agent") or _text(data, "agent_name"),
        "agent_aliases": _texts(data, "agent_aliases"),
        "vendor": (vendor or "").lower(),
        "queue": _text(data, "queue"),
        "direction": direction,
        "facts": _named(data, "facts"),
        "variables": {**variables, **_named(data, "variables")},
    }


def _text(data: Mapping[str, Any], name: str) -> str | None:
    value = data.get(name)
    if value is not None and not isinstance(value, (str, int, float)):
        raise Invalid(f"{name}: must be text")
    return None if value is None else str(value)


def _texts(data: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = data.get(name, ())
    if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
        raise Invalid(f"{name}: must be a list of texts")
    return tuple(value)


def _named(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = data.get(name)
    if value is not None and not isinstance(value, Mapping):
        raise Invalid(f"{name}: must hold named values")
    return {} if value is None else dict(value)


def _labels(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping) or not value:
        raise Invalid("labels: is missing, or holds no answers")
    found = {}
    for id, label in value.items():
        if label is None:
            continue
        if isinstance(label, bool):
            found[str(id)] = "yes" if label else "no"
        elif isinstance(label, (int, float)):
            found[str(id)] = f"{label:g}"
        elif isinstance(label, str):
            found[str(id)] = _SAME.get(label.strip().lower(), label.strip())
        else:
            raise Invalid(f"labels: {id}: must be one answer")
    return found
