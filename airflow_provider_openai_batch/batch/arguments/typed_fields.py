"""Where a body takes numbers or booleans and no text, by OpenAI's document of its API.

Left out are fields that a batch refuses or a run fixes (`n`, `stream`, `background`, `dimensions`), and
what stands in the items of a conversation, which earlier answers have written.
"""

from __future__ import annotations

NUMBER, INTEGER, BOOLEAN = "number", "integer", "boolean"
#: A place in a list or among names that the user chooses.
ANY = "*"

_SAMPLING = {
    "frequency_penalty": NUMBER, "logit_bias.*": INTEGER, "max_tokens": INTEGER, "presence_penalty": NUMBER,
    "seed": INTEGER, "temperature": NUMBER, "top_p": NUMBER,
}  # fmt: skip
#: By endpoint without `/v1`, and by the dotted path inside the body.
FIELDS: dict[str, dict[str, str]] = {
    "/chat/completions": {
        **_SAMPLING, "logprobs": BOOLEAN, "max_completion_tokens": INTEGER, "parallel_tool_calls": BOOLEAN,
        "response_format.json_schema.strict": BOOLEAN, "store": BOOLEAN, "tools.*.function.strict": BOOLEAN,
        "top_logprobs": INTEGER,
    },
    "/completions": {**_SAMPLING, "best_of": INTEGER, "echo": BOOLEAN, "logprobs": INTEGER},
    "/responses": {
        "context_management.*.compact_threshold": INTEGER, "max_output_tokens": INTEGER,
        "max_tool_calls": INTEGER, "parallel_tool_calls": BOOLEAN, "store": BOOLEAN, "temperature": NUMBER,
        "text.format.strict": BOOLEAN, "top_logprobs": INTEGER, "top_p": NUMBER,
        "tools.*.allowed_tools.read_only": BOOLEAN, "tools.*.defer_loading": BOOLEAN,
        "tools.*.display_height": INTEGER, "tools.*.display_width": INTEGER,
        "tools.*.external_web_access": BOOLEAN, "tools.*.max_num_results": INTEGER,
        "tools.*.output_compression": INTEGER, "tools.*.partial_images": INTEGER,
        "tools.*.ranking_options.hybrid_search.embedding_weight": NUMBER,
        "tools.*.ranking_options.hybrid_search.text_weight": NUMBER,
        "tools.*.ranking_options.score_threshold": NUMBER,
        "tools.*.require_approval.always.read_only": BOOLEAN,
        "tools.*.require_approval.never.read_only": BOOLEAN, "tools.*.strict": BOOLEAN,
        "tools.*.tools.*.defer_loading": BOOLEAN, "tools.*.tools.*.strict": BOOLEAN,
    },
}  # fmt: skip


def wanted_at(endpoint: str, path: tuple[str, ...]) -> str | None:
    """Say what the API takes at a place of a body; None where it takes text, or nothing is known."""
    fields = FIELDS.get(endpoint.removeprefix("/v1"), {})
    return next((kind for name, kind in fields.items() if _fits(name.split("."), path)), None)


def _fits(pattern: list[str], path: tuple[str, ...]) -> bool:
    return len(pattern) == len(path) and all(
        wanted in {ANY, given} for wanted, given in zip(pattern, path, strict=True)
    )
