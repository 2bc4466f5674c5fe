"""A lazy attribute is worked out when it is first asked for, and once."""

from __future__ import annotations

from qa_audit.domain.lazy import lazy


class Counted:
    """Counts how often its attribute is worked out."""

    def __init__(self) -> None:
        self.times = 0

    @lazy
    def value(self) -> str:
        """Return something."""
        self.times += 1
        return f"value {self.times}"


def test_it_is_worked_out_once_for_each_object() -> None:
    one, other = Counted(), Counted()
    assert one.times == 0
    assert (one.value, one.value, one.times) == ("value 1", "value 1", 1)
    assert other.times == 0


def test_the_class_tells_what_it_is() -> None:
    assert Counted.value.__doc__ == "Return something."
