"""Values that fit a JSON schema, drawn from the prompt's words and a seed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from airflow_provider_openai_batch.emulator.answers.draw import WORD
from airflow_provider_openai_batch.emulator.answers.patterns import matching

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_openai_batch.emulator.answers.draw import Draw

DEEP = 6
_encode = msgspec.json.Encoder().encode

Maker: TypeAlias = "Callable[[Draw], Any]"


def compile_schema(schema: dict[str, Any]) -> Maker:
    """A function that draws one value that fits the schema."""
    return _Compiler(schema).maker(schema)


class _Compiler:
    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._known: dict[str, Maker] = {}

    def maker(self, schema: Any) -> Maker:  # noqa: PLR0911 - one line per keyword
        match schema:
            case {"$ref": ref}:
                return self._reference(ref)
            case {"const": value}:
                return lambda _: value
            case {"enum": values}:
                return _choice(values)
            case {"allOf": _}:
                return self.maker(self._merged(schema))
            case {"anyOf": options} | {"oneOf": options}:
                return self._either(options)
            case {"type": [*kinds]}:
                return self._either([{**schema, "type": kind} for kind in kinds])
            case dict():
                return self._typed(schema.get("type") or _guess(schema), schema)
        return _text_maker({})

    def _typed(self, kind: str, schema: dict[str, Any]) -> Maker:
        match kind:
            case "object":
                return self._object(schema)
            case "array":
                return self._array(schema)
            case "integer" | "number":
                return _number_maker(schema, whole=kind == "integer")
            case "boolean":
                return lambda draw: draw.below(2) == 1
            case "null":
                return lambda _: None
        return _text_maker(schema)

    def _resolve(self, ref: str) -> Any:
        found: Any = self._root
        for part in ref.lstrip("#").split("/")[1:]:
            found = found[part.replace("~1", "/").replace("~0", "~")]
        return found

    def _reference(self, ref: str) -> Maker:
        # Compiled now, so that what is wrong with it shows; looked up later, since it may hold itself.
        if ref not in self._known:
            self._known[ref] = _text_maker({})
            self._known[ref] = self.maker(self._resolve(ref))

        def make(draw: Draw) -> Any:
            return self._known[ref](draw)

        return make

    def _merged(self, schema: dict[str, Any]) -> dict[str, Any]:
        merged = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            whole = self._resolve(part["$ref"]) if "$ref" in part else part
            properties = {**merged.get("properties", {}), **whole.get("properties", {})}
            required = [*merged.get("required", []), *whole.get("required", [])]
            merged = {**merged, **whole, "properties": properties, "required": required}
        return merged

    def _either(self, options: list[Any]) -> Maker:
        makers = [self.maker(option) for option in options]
        # A recursive schema ends at its plainest alternative: null before scalars before references.
        plainest = makers[min(range(len(options)), key=lambda at: _weight(options[at]))]
        solid = [maker for maker, option in zip(makers, options, strict=True) if option != {"type": "null"}]

        def make(draw: Draw) -> Any:
            if draw.depth > DEEP or (len(solid) < len(makers) and draw.below(6) == 0):
                return plainest(draw)
            return (solid or makers)[draw.below(len(solid or makers))](draw)

        return make

    def _object(self, schema: dict[str, Any]) -> Maker:
        required = set(schema.get("required", ()))
        makers = {name: self.maker(part) for name, part in schema.get("properties", {}).items()}

        def make(draw: Draw) -> dict[str, Any]:
            draw.depth += 1
            made = {
                name: maker(draw) for name, maker in makers.items() if name in required or draw.depth <= DEEP
            }
            draw.depth -= 1
            return made

        return make

    def _array(self, schema: dict[str, Any]) -> Maker:
        least = schema.get("minItems", 0)
        most = schema.get("maxItems", max(least, 3))
        item = self.maker(schema.get("items", {"type": "string"}))

        def make(draw: Draw) -> list[Any]:
            draw.depth += 1
            wanted = least if draw.depth > DEEP else max(least, min(most, 1 + draw.below(3)))
            made = [item(draw) for _ in range(wanted)]
            draw.depth -= 1
            return made

        return make


def _guess(schema: dict[str, Any]) -> str:
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def _weight(option: Any) -> int:
    kind = option.get("type") if isinstance(option, dict) else None
    if kind == "null":
        return 0
    if kind in {"string", "integer", "number", "boolean"}:
        return 1
    return 2 if kind else 3


def _choice(values: list[Any]) -> Maker:
    """One of the values; a label that the prompt speaks of wins, so that demos look sensible."""
    labels = [
        (value, WORD.findall(value.lower().replace("_", " "))) for value in values if isinstance(value, str)
    ]
    sought = [(value, [word.encode() for word in words]) for value, words in labels if words]
    is_ascii = all(word.isascii() for _, words in sought for word in words)
    if all(len(words) == 1 for _, words in sought):
        return _choice_of_words(values, [(value, words[0]) for value, words in sought], is_ascii=is_ascii)

    def make(draw: Draw) -> Any:
        text = draw.plain if is_ascii else draw.lowered
        best, found = 0.0, None
        for value, words in sought:
            score = sum([word in text for word in words]) / len(words) if words[1:] else words[0] in text
            if score > best:
                best, found = score, value
                if score == 1:
                    break
        return found if best else values[draw.below(len(values))]

    return make


def _choice_of_words(values: list[Any], sought: list[tuple[str, bytes]], *, is_ascii: bool) -> Maker:
    """One of values that are one word each: the first that the prompt speaks of."""

    def make(draw: Draw) -> Any:
        text = draw.plain if is_ascii else draw.lowered
        for value, word in sought:
            if word in text:
                return value
        return values[draw.below(len(values))]

    return make


def _number_maker(schema: dict[str, Any], *, whole: bool) -> Maker:
    step = schema.get("multipleOf") or (1 if whole else None)
    low, high = _bounds(schema, step or 0.001)
    if step is None:
        return lambda draw: max(low, min(high, round(low + (high - low) * draw.below(10_001) / 10_000, 6)))
    first, last = math.ceil(low / step), math.floor(high / step)
    places = len(str(step).partition(".")[2])

    def make(draw: Draw) -> float:
        value = (first + draw.below(max(1, last - first + 1))) * step
        return int(value) if whole else round(value, places)

    return make


def _bounds(schema: dict[str, Any], gap: float) -> tuple[float, float]:
    low, high = schema.get("minimum"), schema.get("maximum")
    if "exclusiveMinimum" in schema:
        low = schema["exclusiveMinimum"] + gap
    if "exclusiveMaximum" in schema:
        high = schema["exclusiveMaximum"] - gap
    if low is None:
        low = 0 if high is None or high >= 0 else high - 100
    return low, low + 100 if high is None else high


def _text_maker(schema: dict[str, Any]) -> Maker:
    pattern, form = schema.get("pattern"), FORMATS.get(schema.get("format", ""))
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if not pattern and form is None and least == 0 and most is None:
        return lambda draw: draw.phrase(1 + draw.below(6))

    def make(draw: Draw) -> str:
        if pattern and (text := matching(pattern, draw.below)) is not None:
            return text
        text = form(draw) if form else draw.phrase(1 + draw.below(6))
        fitting: str = (text + "x" * (least - len(text)))[:most]
        return fitting

    return make


def _date(draw: Draw) -> str:
    return f"20{20 + draw.below(7)}-{1 + draw.below(12):02}-{1 + draw.below(28):02}"


def _time(draw: Draw) -> str:
    return f"{draw.below(24):02}:{draw.below(60):02}:{draw.below(60):02}Z"


def _uuid(draw: Draw) -> str:
    digits = f"{draw.below(1 << 31):08x}{draw.below(1 << 31):08x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[1:4]}-{draw.below(1 << 31):012x}"


FORMATS: dict[str, Callable[[Draw], str]] = {
    "date": _date,
    "time": _time,
    "date-time": lambda draw: f"{_date(draw)}T{_time(draw)}",
    "duration": lambda draw: f"P{1 + draw.below(30)}DT{draw.below(24)}H",
    "email": lambda draw: f"user{draw.below(1000)}@example.com",
    "hostname": lambda draw: f"host-{draw.below(1000)}.example.com",
    "ipv4": lambda draw: f"192.0.2.{draw.below(255)}",
    "ipv6": lambda draw: f"2001:db8::{1 + draw.below(65_000):x}",
    "uuid": _uuid,
    "uri": lambda draw: f"https://example.com/{draw.below(1000)}",
}


def as_text(value: Any) -> str:
    """Compact JSON, as models write it."""
    return _encode(value).decode()
