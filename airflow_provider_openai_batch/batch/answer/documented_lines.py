"""Lines in the documented form, with answers that are whole and fit: what nearly all lines are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.text.lenient_json import UNREADABLE, unstorable
from airflow_provider_openai_batch.batch.text.request_ids import ID_BYTES, ID_DIGITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_openai_batch.batch.endpoints.reply import Endpoint, Reply
    from airflow_provider_openai_batch.batch.output.output import Output

#: How an answer ends of which nothing more is to be said.
WHOLE = frozenset({None, "stop", "completed"})
#: How many bytes of lines are read before their answers are put away, and forgotten.
MOST_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Good:
    """Answers with status `ok`, column by column; each has a place in every list."""

    custom_ids: list[bytes] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    #: As `Output.arrays` takes them.
    values: list[Any] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.texts)

    def extend(self, others: Good) -> None:
        """Append other answers."""
        self.custom_ids.extend(others.custom_ids)
        self.replies.extend(others.replies)
        self.texts.extend(others.texts)
        self.values.extend(others.values)

    def part(self, place: int) -> Good:
        """Return one of the answers by itself."""
        one = slice(place, place + 1)
        return Good(self.custom_ids[one], self.replies[one], self.texts[one], self.values[one])


def read_documented(lines: Iterator[bytes], endpoint: Endpoint, output: Output) -> tuple[Good, bytes | None]:
    """Read lines the short way, up to the first that `parse_line` must look at.

    What it returns is what `parse_line` says of each line. A line that holds what is to be cleaned is not
    for this way.

    :return: the answers, and the line that ended them; None where these had `MOST_BYTES`, or no more came.
    """
    good, form, read = Good(), endpoint.documented, output.reader
    custom_ids, replies, texts, values = good.custom_ids, good.replies, good.texts, good.values
    size = 0
    for line in lines:
        if form is None or unstorable(line):
            return good, line
        try:
            told = form.decode(line)
            custom_id = bytes.fromhex(told.custom_id)
            reply = form.reply(told.response.body)
            if reply is None or (text := reply.text) is None or reply.finish_reason not in WHOLE:
                return good, line
            if (value := read(text)) is None:
                return good, line
        except UNREADABLE:
            return good, line
        if len(told.custom_id) != ID_DIGITS or len(custom_id) != ID_BYTES:
            return good, line
        custom_ids.append(custom_id)
        replies.append(reply)
        texts.append(text)
        values.append(value)
        size += len(line)
        if size > MOST_BYTES:
            break
    return good, None
