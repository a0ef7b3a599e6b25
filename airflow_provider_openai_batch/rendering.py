"""Airflow's templates in our arguments: text stays text, also in a DAG that renders natively.

Native rendering reads each rendered text as Python: "42" becomes a number, '{"a": 1}' a dict. That is
wrong for prompts, labels, and names. A template without other text keeps its object if one makes sense.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING, Any

import msgspec
from jinja2 import Environment, Template
from jinja2.compiler import CodeGenerator
from jinja2.nativetypes import NativeEnvironment

from airflow_provider_openai_batch.airflow_errors import raise_for_template
from airflow_provider_openai_batch.batch.arguments.object_fields import takes
from airflow_provider_openai_batch.batch.arguments.typed_fields import ANY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow.providers.common.compat.sdk import Context


class RendersTexts:
    """A base class of tasks that renders text as text; list it before Airflow's class."""

    template_fields: Sequence[str]

    def render_template(
        self, content: Any, context: Context, jinja_env: Any = None, seen_oids: set[int] | None = None
    ) -> Any:
        """Render; the error for an unknown name says what to write instead."""
        airflow: Any = super()
        rendering = Rendering(
            context=context,
            env=jinja_env or airflow.get_template_env(),
            done=set() if seen_oids is None else seen_oids,
            by_airflow=airflow.render_template,
        )
        with raise_for_template():
            return rendering.argument(self._argument_of(content), content)

    def _argument_of(self, value: object) -> str | None:
        """Find the argument that a value is."""
        return next((name for name in self.template_fields if getattr(self, name, None) is value), None)


# A dataclass would take each DAG file a millisecond more.
class Rendering(msgspec.Struct, frozen=True, kw_only=True):
    """How the arguments of one task are rendered."""

    context: Any
    env: Environment
    #: The ids of values that are rendered.
    done: set[int]
    #: Airflow's own rendering.
    by_airflow: Callable[[Any, Any, Any, Any], Any]

    def argument(self, name: str | None, value: Any) -> Any:
        """Render an argument of ours, or whatever else Airflow asks for."""
        if name is None or not isinstance(self.env, NativeEnvironment):
            return self._given(value)
        return self._part(value, (name,))

    def _given(self, value: Any) -> Any:
        return self.by_airflow(value, self.context, self.env, self.done)

    def _part(self, value: Any, path: tuple[str, ...]) -> Any:
        if id(value) in self.done:
            return value
        if isinstance(value, str):
            return self._text(value, path)
        if type(value) in {list, tuple}:
            return type(value)(self._part(part, (*path, ANY)) for part in value)
        if isinstance(value, dict):
            return {name: self._part(part, (*path, str(name))) for name, part in value.items()}
        return self._given(value)

    def _text(self, text: str, path: tuple[str, ...]) -> Any:
        # A whole argument may be written as a dict, in Python's own form.
        found = self._given(text) if len(path) == 1 else self._alone(text)
        if not isinstance(found, str) and takes(path, found):
            return found
        return "".join(_nodes(_textual(self.env).from_string(text), self.context))

    def _alone(self, text: str) -> Any:
        """Return the object of a template that stands alone, or a text."""
        nodes = list(_nodes(self.env.from_string(text), self.context))
        return nodes[0] if len(nodes) == 1 else ""


def _textual(native: Environment) -> Environment:
    """Make an environment with the same names and files that renders texts."""
    env = native.overlay()
    env.code_generator_class, env.template_class = CodeGenerator, Template
    env.concat = "".join  # type: ignore[method-assign]
    return env


def _nodes(template: Template, context: Any) -> Iterable[Any]:
    # As Airflow does: a dict made of its context would read every name in it.
    names = copy(context)
    names.update({name: value for name, value in template.globals.items() if name not in names})
    env = template.environment
    return template.root_render_func(env.context_class(env, names, template.name, template.blocks))
