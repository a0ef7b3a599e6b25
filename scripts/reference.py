"""Write docs/reference.md from the code: `python -m scripts.reference`; `--check` only compares.

Names, types, and defaults are those of signatures, structs, parsers, and the provider's metadata; the words
are their docstrings and `#:` comments. What is missing there is missing here: say it in the code.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.batch.arguments import arguments, resend, text_format, typed_dicts
from airflow_provider_openai_batch.batch.output import result_schema
from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from airflow_provider_openai_batch.get_provider_info import PACKAGE, get_provider_info
from airflow_provider_openai_batch.hooks import connection
from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook
from airflow_provider_openai_batch.operators.load import OpenAIBatchLoadOperator
from airflow_provider_openai_batch.operators.submit import OpenAIBatchSubmitOperator
from airflow_provider_openai_batch.partitions import partition_source
from airflow_provider_openai_batch.sensors.openai_batch import OpenAIBatchSensor
from airflow_provider_openai_batch.task_group import OpenAIBatchTaskGroup

if TYPE_CHECKING:
    from argparse import Action
    from collections.abc import Iterable, Iterator

WIDTH = 118
PAGE = Path(__file__).parents[1] / "docs" / "reference.md"
HEAD = """\
# Reference

Every argument, default, and column. In brackets: the type of a value, and the default. What the words mean,
and which go together: [arguments](arguments.md), [waiting](waiting.md), [cost](cost.md).

`python -m scripts.reference` writes this page from the code: do not edit it.
"""
COMMANDS = ("status", "cancel", "purge", "forget", "probe", "emulator.__main__")
PARAM = re.compile(r":param (\w+): (.*?)(?=\n\s*:|\n\n|\Z)", re.DOTALL)
XCOM = re.compile(r"XCom\b[^:]*: .*?(?=\n\n|\n\s*:param|\Z)", re.DOTALL)
COMMENT = re.compile(r"((?:^ +#: .*\n)+) +\(?\"?(\w+)\"?", re.MULTILINE)


def page() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *group(), *operators(), *dicts(), *columns(), *settings(), *commands()])


def group() -> Iterator[str]:
    """Describe what a DAG file calls."""
    yield "## `OpenAIBatchTaskGroup`\n"
    yield f"`from {PACKAGE}.task_group import OpenAIBatchTaskGroup`\n"
    yield called(OpenAIBatchTaskGroup, others=_docs(OpenAIBatchSubmitOperator))
    yield "## `partition_source`\n"
    yield f"`from {PACKAGE}.partitions import partition_source`\n"
    yield called(partition_source)


def operators() -> Iterator[str]:
    """Describe the three tasks: arguments, templates, and XCom."""
    for made in (OpenAIBatchSubmitOperator, OpenAIBatchSensor, OpenAIBatchLoadOperator):
        yield f"## `{made.__name__}`\n"
        yield f"`from {made.__module__} import {made.__name__}`\n"
        yield called(made)
        yield filled(f"Takes templates: {_names(made.template_fields)}.") + "\n"
        xcom = XCOM.search(inspect.getdoc(made) or "")
        yield f"{filled(xcom[0])}\n" if xcom else ""


def called(made: Any, others: dict[str, str] | None = None) -> str:
    """List the arguments of a class or function; `others` documents those that are handed on."""
    docs = (others or {}) | _docs(made)
    taken = inspect.signature(made.__init__ if inspect.isclass(made) else made).parameters.values()
    return entries(
        (one.name, (_default(one.default),), docs.get(one.name, ""))
        for one in taken
        if one.name not in {"self", "kwargs"}
    )


def dicts() -> Iterator[str]:
    """Describe the dicts that are arguments."""
    defaults = {
        "source": arguments.Source, "format": text_format.TextFormat, "target": arguments.Target,
        "limits": arguments.Limits,
    }  # fmt: skip
    for name in ("source", "format", "request", "target", "limits"):
        given = getattr(typed_dicts, f"{name.title()}Args")
        told = comments(given)
        struct = defaults.get(name)
        yield f"## `{name}`\n"
        yield f"{filled(inspect.getdoc(given) or '')}\n"
        yield entries(
            (key, (f"`{_kind(kind)}`", _field_default(struct, key)), told.get(key, ""))
            for key, kind in given.__annotations__.items()
        )
    yield "## `resend`\n"
    words = f"A list of these words: {_names(resend.WORDS)}. By default: {_names(resend.DEFAULT)}."
    yield f"{filled(words)}\n"


def columns() -> Iterator[str]:
    """Describe the fixed columns of the target."""
    told = comments(result_schema)
    yield "## Columns of the target\n"
    yield "The key, the carried columns, those of `output_type`, and these, with the `prefix` of `target`:\n"
    yield entries((f"batch_{name}", (f"`{kind}`",), told.get(name, "")) for name, kind in result_schema.FIXED)
    words = f"`batch_status` is one of {_names(RowStatus)}, or a word of your own, which protects the row."
    yield f"{filled(words)}\n"


def settings() -> Iterator[str]:
    """Describe the connection and airflow.cfg."""
    info = get_provider_info()
    (form,) = info["connection-types"]
    fields = form["conn-fields"]
    yield f"## Connection of type `{form['connection-type']}`\n"
    yield f"{filled((inspect.getdoc(OpenAIBatchHook) or '').split(':param')[0])}\n"
    yield "Keys of the extra:\n"
    yield entries(
        (name, (fields.get(name, {}).get("label", ""),), _accepted(fields.get(name)))
        for name in connection.OURS
    )
    yield "## `[openai_batch]` in airflow.cfg\n"
    options = info["config"]["openai_batch"]["options"]
    yield entries(
        (
            name,
            (option["type"], f"`{option['default']}`" if option["default"] else "empty"),
            option["description"],
        )
        for name, option in options.items()
    )


def commands() -> Iterator[str]:
    """Describe what `python -m airflow_provider_openai_batch` takes."""
    yield "## Commands\n"
    yield f"`python -m {PACKAGE} COMMAND` ([what they do](commands.md)). Each has `--help`, too.\n"
    for name in COMMANDS:
        parser = importlib.import_module(f"{PACKAGE}.{name}")._parser()  # noqa: SLF001
        yield f"### `{name.partition('.')[0]}`\n"
        actions = parser._actions  # noqa: SLF001
        yield entries(_option(action) for action in actions if action.dest != "help")


def comments(where: Any) -> dict[str, str]:
    """Return the `#:` comments of a class or module, by the name that follows each."""
    text = inspect.getsource(where)
    return {name: _line(lines.replace("#:", " ")) for lines, name in COMMENT.findall(text)}


def entries(listed: Iterable[tuple[str, Iterable[str], str]]) -> str:
    """Write a list of Markdown: name, what stands in brackets, and meaning of each."""
    lines = []
    for name, bracketed, meaning in listed:
        inner = ", ".join(part for part in bracketed if part)
        lines.append(
            filled(
                f"- **`{name}`**{f' ({inner})' if inner else ''}: {meaning[:1].upper()}{meaning[1:]}", "  "
            )
        )
    return "\n".join(lines) + "\n"


def filled(text: str, indent: str = "") -> str:
    """Break a paragraph into lines."""
    return textwrap.fill(
        _line(text), WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _docs(made: Any) -> dict[str, str]:
    return {name: _line(text) for name, text in PARAM.findall(inspect.getdoc(made) or "")}


def _line(text: str) -> str:
    return " ".join(text.split())


def _names(names: Iterable[object]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _default(value: object) -> str:
    return "required" if value is inspect.Parameter.empty else f"`{value!r}`"


def _field_default(struct: type[msgspec.Struct] | None, key: str) -> str:
    found = [] if struct is None else [field for field in msgspec.structs.fields(struct) if field.name == key]
    if not found:
        return ""
    (field,) = found
    if field.required:
        return "required"
    made = field.default is msgspec.NODEFAULT
    return f"`{field.default_factory() if made else field.default!r}`"


def _kind(annotation: Any) -> str:
    return str(getattr(annotation, "__forward_arg__", annotation))


def _accepted(field: dict[str, Any] | None) -> str:
    if field is None:
        return "an object of JSON, or its text"
    kinds = [kind for kind in field["schema"]["type"] if kind != "null"]
    return " or ".join(kinds) + (f"; {field['description']}" if field.get("description") else "")


def _option(action: Action) -> tuple[str, tuple[str, ...], str]:
    name = ", ".join(action.option_strings) or str(action.metavar or action.dest)
    help_text = (action.help or "") % {"default": action.default}
    return name, (f"`{action.default}`" if action.default else "",), help_text


def main(words: list[str]) -> int:
    """Write the page, or compare it."""
    if "--check" not in words:
        PAGE.write_text(page(), "utf-8")
        return 0
    if PAGE.read_text("utf-8") == page():
        return 0
    print(f"{PAGE} is not what the code says; run `python -m scripts.reference`.")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
