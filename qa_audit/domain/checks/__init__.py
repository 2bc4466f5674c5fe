"""The kinds of check: how a machine answers a criterion, each from its own description."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import Field

from qa_audit.domain.checks import (
    acoustic,
    answered,
    asked,
    avoided,
    caller_name,
    fact,
    judge,
    manual,
    order,
    own_name,
    promise,
    readback,
    restated,
    said,
    secret,
    terms,
)
from qa_audit.domain.checks.base import Context
from qa_audit.domain.findings import Finding

CheckSpec = Annotated[
    said.SaidSpec
    | avoided.AvoidedSpec
    | order.OrderSpec
    | answered.AnsweredSpec
    | restated.RestatedSpec
    | readback.ReadbackSpec
    | acoustic.AcousticSpec
    | terms.TermsSpec
    | own_name.OwnNameSpec
    | caller_name.CallerNameSpec
    | promise.PromiseSpec
    | secret.SecretSpec
    | asked.AskedSpec
    | fact.FactSpec
    | judge.JudgeSpec
    | manual.ManualSpec,
    Field(discriminator="kind"),
]
"""The description of a check, told apart by its `kind`."""

CHECKS: Mapping[str, Callable[[Any, Context], Finding]] = {
    "said": said.check,
    "avoided": avoided.check,
    "order": order.check,
    "answered": answered.check,
    "restated": restated.check,
    "readback": readback.check,
    "acoustic": acoustic.check,
    "terms": terms.check,
    "own_name": own_name.check,
    "caller_name": caller_name.check,
    "promise": promise.check,
    "secret": secret.check,
    "asked": asked.check,
    "fact": fact.check,
    "judge": judge.check,
    "manual": manual.check,
}
"""Each kind's check: check(spec, context) → Finding."""


def run_check(spec: CheckSpec, context: Context) -> Finding:
    """Run the check that a description asks for."""
    return CHECKS[spec.kind](spec, context)
