"""What a model reads of a request: its texts, and what else takes tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.request.compile_template import literal_and_slots
from airflow_provider_openai_batch.batch.request.template import Slot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from airflow_provider_openai_batch.batch.request.tokens import Counter

#: Around each message, and before the answer (OpenAI's cookbook; newer models may differ).
MESSAGE = ANSWER = 3
#: Assumed: a picture of 1024 x 1024 pixels, a small one, some pages, a minute of speech.
IMAGE, SMALL_IMAGE, FILE, AUDIO = 765, 85, 2_000, 600
CONVERSATIONS = {"/v1/chat/completions", "/v1/responses"}
TEXT_PARTS = {"text", "input_text", "output_text", "refusal"}
ASSUMED = {
    "image_url": IMAGE, "input_image": IMAGE, "image_file": IMAGE, "file": FILE, "input_file": FILE,
    "input_audio": AUDIO,
}  # fmt: skip
FRAME = {"role", "type", "id", "status", "content"}
Text = tuple["str | Slot", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """The texts of a request, those that are the same for all rows apart; `beside` are tokens of no text."""

    fixed: tuple[str, ...] = ()
    varying: tuple[Text, ...] = ()
    beside: int = 0


def read_prompt(endpoint: str, body: Mapping[str, Any], columns: Sequence[str]) -> Prompt:
    """Read a body before its columns are filled in; what is sent as a file is not counted by its bytes."""
    reader = _Reader(columns=columns, talks=endpoint in CONVERSATIONS)
    reader.body(body)
    texts = reader.texts
    return Prompt(
        fixed=tuple("".join(map(str, text)) for text in texts if not _varies(text)),
        varying=tuple(text for text in texts if _varies(text)),
        beside=reader.beside,
    )


def _varies(text: Text) -> bool:
    return any(isinstance(part, Slot) for part in text)


class InputTokens:
    """Counts the input tokens of requests; what all of them share is counted once."""

    def __init__(self, prompt: Prompt, counter: Counter) -> None:
        self._prompt, self._counter = prompt, counter

    @cached_property
    def _shared(self) -> float:
        shared = list(self._prompt.fixed)
        if not self._counter.joins:
            shared += [part for text in self._prompt.varying for part in text if isinstance(part, str)]
        return self._prompt.beside + float(self._counter.count(pa.array(shared, pa.string())).sum())

    def of(self, texts: Mapping[str, pa.Array]) -> npt.NDArray[np.int64]:
        """Return the tokens of each row's request, given the texts of each column."""
        rows = len(next(iter(texts.values()), ()))
        if not rows:  # a night without requests needs no tokenizer
            return np.zeros(0, dtype=np.int64)
        tokens = np.full(rows, self._shared)
        for text in self._prompt.varying:
            tokens += self._joined(text, texts) if self._counter.joins else self._added(text, texts)
        whole: npt.NDArray[np.int64] = np.ceil(tokens).astype(np.int64)
        return whole

    def _joined(self, text: Text, texts: Mapping[str, pa.Array]) -> npt.NDArray[np.float64]:
        parts = [texts[part.column] if isinstance(part, Slot) else part for part in text]
        return self._counter.count(pc.binary_join_element_wise(*parts, ""))

    def _added(self, text: Text, texts: Mapping[str, pa.Array]) -> npt.NDArray[np.float64]:
        counts = [self._counter.count(texts[part.column]) for part in text if isinstance(part, Slot)]
        added: npt.NDArray[np.float64] = np.sum(counts, axis=0)
        return added


@dataclass(slots=True, kw_only=True)
class _Reader:
    columns: Sequence[str]
    talks: bool
    texts: list[Text] = field(default_factory=list)
    beside: int = 0

    def body(self, body: Mapping[str, Any]) -> None:
        self.beside += ANSWER if self.talks else 0
        for name, part in body.items():
            match name:
                case "messages" | "input":
                    self.input(part)
                case "instructions" if isinstance(part, str):
                    self.message(part)
                case "prompt" | "suffix":
                    self.input(part)
                case "tools" | "functions":
                    self.json(part)
                case "response_format" | "text":
                    self.schema(part)

    def input(self, value: Any) -> None:
        """Read what is asked: a text, messages, tokens, or a list of these."""
        match value:
            case str() if self.talks:
                self.message(value)
            case str():
                self.text(value)
            case int():
                self.beside += 1
            case list() | tuple():
                for part in value:
                    self.input(part)
            case {"content": content}:
                self.message(content)
                self.rest({key: part for key, part in value.items() if key not in FRAME})
            case dict():
                self.part(value)

    def message(self, content: Any) -> None:
        self.beside += MESSAGE
        match content:
            case str():
                self.text(content)
            case list() | tuple():
                for part in content:
                    self.part(part)

    def rest(self, value: dict[str, Any]) -> None:
        for part in value.values():
            if part is not None:
                self.text(part) if isinstance(part, str) else self.json(part)

    def part(self, value: Any) -> None:
        kind = value.get("type") if isinstance(value, dict) else None
        if isinstance(value, str):
            self.text(value)
        elif kind in TEXT_PARTS:
            self.text(str(value.get("text") or value.get("refusal") or ""))
        elif kind in ASSUMED:
            self.beside += SMALL_IMAGE if _is_small(value) else ASSUMED[kind]
        else:
            self.json(value)

    def schema(self, value: Any) -> None:
        """Read the schema of the answer, which the model is shown as text."""
        value = _plain(value)
        form = value.get("json_schema") or value.get("format") if isinstance(value, dict) else None
        form = _plain(form)
        schema = form.get("schema") if isinstance(form, dict) else None
        if schema is not None:
            self.texts.append((msgspec.json.encode(schema).decode(),))

    def text(self, text: str) -> None:
        self.texts.append(literal_and_slots(text, self.columns))

    def json(self, value: Any) -> None:
        self.texts.append(literal_and_slots(value, self.columns))


def _is_small(part: dict[str, Any]) -> bool:
    picture = part.get("image_url")
    return "low" in (part.get("detail"), picture.get("detail") if isinstance(picture, dict) else None)


def _plain(value: Any) -> Any:
    """Read what was encoded before, so that no template reads its braces."""
    return msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value
