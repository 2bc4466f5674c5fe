"""What is vendored is what its checksum says; what is ours stays small and free of inline code."""

from __future__ import annotations

import hashlib
import re

from qa_audit.runtime import bundled

STATIC = bundled("static")
VENDOR = STATIC / "vendor"


def test_vendored_files_match_their_checksums() -> None:
    listed = dict(line.split()[::-1] for line in (VENDOR / "SHA256SUMS").read_text().splitlines())
    there = {path.name for path in VENDOR.iterdir()} - {"SHA256SUMS"}
    assert set(listed) == there
    for name, digest in listed.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest


def test_the_vendored_htmx_keeps_to_this_origin_and_reads_our_configuration() -> None:
    source = (VENDOR / "htmx-4.0.1.min.js").read_text(encoding="utf-8")
    assert 'this.version="4.0.1"' in source
    assert 'mode:"same-origin"' in source
    for word in ("extensions", "includeIndicatorCSS", "hx-morph-skip", "hx-status"):
        assert word in source


def test_own_scripts_stay_within_their_budget_and_say_what_works_without_them() -> None:
    scripts = sorted((STATIC / "js").glob("*.js"))
    lines = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in scripts}
    assert max(lines.values()) <= 300, "a script that does more than one thing"
    assert sum(lines.values()) <= 1050
    for path in scripts:
        source = path.read_text(encoding="utf-8")
        opening = source.split("\n\n", 1)[0] if source.startswith("//") else ""
        assert re.search(r"[Ww]ithout (it|JavaScript)", source[:600]), path.name
        assert opening.startswith("//"), path.name
        for word in ("eval(", "innerHTML", "new Function", "document.write", ".style.", "http://example"):
            assert word not in source, f"{path.name}: {word}"


def test_stylesheets_ask_no_other_host() -> None:
    for path in (STATIC / "css").glob("*.css"):
        for target in re.findall(r"url\(([^)]*)\)", path.read_text(encoding="utf-8")):
            assert target.strip("\"'").startswith("../vendor/"), path.name


def _luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_words_stand_out_from_what_is_behind_them_in_both_themes() -> None:
    tokens = (STATIC / "css" / "tokens.css").read_text(encoding="utf-8")
    pairs = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", tokens)
    themes = [{name: light for name, light, _ in pairs}, {name: dark for name, _, dark in pairs}]
    on_plain = ("text", "quiet", "accent", "agent", "customer", "unknown", "good", "bad", "person")
    for theme in themes:
        for back in ("back", "panel", "sunken"):
            for front in on_plain:
                assert _contrast(theme[front], theme[back]) >= 4.5, f"{front} on {back}"
        for tone in ("good", "bad", "person", "accent"):
            assert _contrast(theme[tone], theme[f"{tone}-back"]) >= 4.5, tone
            assert _contrast(theme["text"], theme[f"{tone}-back"]) >= 4.5, tone
        assert _contrast("#ffffff", theme["accent-solid"]) >= 4.5
        assert _contrast(theme["line-strong"], theme["panel"]) >= 3
