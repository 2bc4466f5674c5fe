"""Lines that are answered with a number count in a vendor's figures, and lead back to their audits."""

from __future__ import annotations

from qa_audit.domain.access import SYSTEM
from qa_audit.domain.statistics import Rate
from qa_audit.runtime import Runtime
from qa_audit.services.audits_behind import behind
from qa_audit.services.figure_filters import FigureFilter
from qa_audit.services.vendor_figures import overview
from tests import auditing, factories

TEXT = """\
id: pace
version: 1
title: Pace
effective_from: 2026-01-01
pass_mark: 60
sections:
  - id: only
    title: Only section
    criteria:
      - {id: polite, title: Is polite, points: 5, check: {kind: manual}}
      - id: waits
        title: Lets callers wait
        points: 5
        scale:
          unit: times
          most: 20
          ranges: [{up_to: 1.5, percent: 100}, {up_to: 4, percent: 40, passes: false}, {percent: 0}]
        check: {kind: manual}
"""


def test_a_number_in_a_failing_range_is_a_failing_line(runtime: Runtime) -> None:
    with runtime.db.write() as session:
        side = auditing.make_side(session, factories.make_vendor(session, slug="ours"))
        calls = {
            number: auditing.make_audited(
                session, side, {"polite": "yes", "waits": number}, source=TEXT, transcript=None
            )
            for number in ("0", "1.5", "2", "4.0", "17", "na")
        }
    (vendor,) = overview(runtime, SYSTEM, FigureFilter()).vendors
    (line,) = vendor.figures.failing
    assert (line.criterion, line.failed) == ("waits", Rate(3, 5))
    page = behind(runtime, SYSTEM, "ours", FigureFilter(line="pace/waits"))
    assert page.total == 3
    assert {row.id for row in page.rows} == {calls[number].public_id for number in ("2", "4.0", "17")}
    assert set(page.failing) == {("Lets callers wait",)}
    none = behind(runtime, SYSTEM, "ours", FigureFilter(line="pace/polite"))
    assert none.total == 0
