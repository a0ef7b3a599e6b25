"""Which rows that the target holds are asked again: the words, and those that stand where none is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.text.row_status import TRANSIENT, RowStatus
from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.arguments.arguments import Target

ALL = "all"
CHANGED_INPUT = "changed_input"  #: other texts for the same prompt
CHANGED_PROMPT = "changed_prompt"  #: another prompt, model, or schema, whatever the texts
FORGOTTEN_BY_A_CLEAR = TRANSIENT | {RowStatus.CANCELLED}
DEFAULT = (*(str(status) for status in RowStatus if status in FORGOTTEN_BY_A_CLEAR), CHANGED_INPUT)
#: `ok` is none of them: who wants good answers again wants all.
WORDS = (
    *(str(status) for status in RowStatus if status != RowStatus.OK), CHANGED_INPUT, CHANGED_PROMPT, ALL,
)  # fmt: skip


def resend(value: object, target: Target | None) -> tuple[str, ...] | None:
    """Check `resend`; None is what the target's kind takes for granted."""
    if value is None:
        return None
    if target is None:
        raise InvalidRequest("resend needs submit's target: without it, answered rows cannot be identified.")
    if not isinstance(value, list | tuple | set | frozenset):
        raise InvalidRequest(f"resend is {value!r}; give a list such as {list(DEFAULT)!r}.")
    wrong = [word for word in value if word not in WORDS]
    if wrong:
        raise InvalidRequest(f"resend holds {wrong[0]!r}; the words are {', '.join(WORDS)}.")
    words = tuple(word for word in WORDS if word in value)
    if target.mode == "replace_partition" and words != (ALL,):
        raise InvalidRequest(
            f"resend is {list(value)!r} with mode 'replace_partition', which replaces every row of its "
            "partition and so asks for all of them: leave resend out."
        )
    return words


def words_for(given: tuple[str, ...] | None, target: Target | None) -> tuple[str, ...] | None:
    """Return the words that hold for a target; None where there is no target to hold anything."""
    if given is not None or target is None:
        return given
    return (ALL,) if target.mode == "replace_partition" or target.path is not None else DEFAULT


def looks(words: tuple[str, ...] | None, target: Target | None) -> bool:
    """Return whether it matters what the target holds; a table may hold rows that a person has decided on."""
    if words is None or target is None or target.mode == "replace_partition":
        return False
    return target.path is None or ALL not in words


def forgotten_by_a_clear(words: tuple[str, ...] | None) -> frozenset[RowStatus]:
    """Return which answers a clear of submit asks for again; `all` is about rows of other runs."""
    if words is None or ALL in words:
        return FORGOTTEN_BY_A_CLEAR
    return frozenset(status for status in RowStatus if status in words)
