"""A rubric: what good means, as data.

Built from a plain mapping (services read the YAML); every problem is collected with its path and line.
Published versions never change: an edit makes a new version with its own `effective_from`.
"""

from qa_audit.domain.rubric.applying import applicable, in_order, variable_values
from qa_audit.domain.rubric.model import CALL_VARIABLES, SCHEMA, AppliesTo, Criterion, Rubric, Section
from qa_audit.domain.rubric.problems import Path, Problem, RubricError
from qa_audit.domain.rubric.reading import build_rubric, json_schema
from qa_audit.domain.rubric.scales import Level, NumberScale

__all__ = [
    "CALL_VARIABLES", "SCHEMA", "AppliesTo", "Criterion", "Level", "NumberScale", "Path", "Problem", "Rubric",
    "RubricError", "Section", "applicable", "build_rubric", "in_order", "json_schema", "variable_values",
]  # fmt: skip
