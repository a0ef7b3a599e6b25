"""What production refuses is refused here: in a batch and synchronously, with the same words."""

# ruff: noqa: E501 - one refusal is one line, with the words of the API

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.emulator.conftest import make_request

if TYPE_CHECKING:
    from tests.emulator.conftest import Api

CHAT, RESPONSES, EMBEDDINGS, COMPLETIONS = "chat/completions", "responses", "embeddings", "completions"
REASONING, PLAIN, NEWER, OLD = "gpt-5-mini", "gpt-4o-mini", "gpt-5.6-terra", "gpt-4-turbo"
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
STRICT = {"type": "function", "function": {"name": "f", "strict": True, "parameters": {"type": "object"}}}
CALLS = {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f"}}]}
IMAGE = [{"type": "image_url", "image_url": {"url": "x"}}]
SCHEMA = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
FORMAT = {"format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}}}
SEARCH = [{"type": "web_search"}]


def user(content: Any, **further: Any) -> dict[str, Any]:
    """The messages of a chat completion that has one."""
    return {"messages": [{"role": "user", "content": content} | further]}


def after(*messages: Any) -> dict[str, Any]:
    """Messages after a first one."""
    return {"messages": [{"role": "user", "content": "json"}, *messages]}


#: endpoint, model, body, code, param, a part of the message.
REFUSED: list[tuple[str, str, dict[str, Any], str | None, str | None, str]] = [
    # Output tokens.
    (CHAT, PLAIN, {"max_tokens": 16_385}, "invalid_value", "max_tokens", "max_tokens is too large: 16385. This model supports at most 16384 completion tokens, whereas you provided 16385."),
    (CHAT, "gpt-4.1", {"max_completion_tokens": 32_769}, "invalid_value", "max_completion_tokens", "at most 32768"),
    (CHAT, "gpt-4.1-2025-04-14", {"max_tokens": 32_769}, "invalid_value", "max_tokens", "at most 32768"),
    (CHAT, "ft:gpt-4.1-2025-04-14:acme::a", {"max_tokens": 32_769}, "invalid_value", "max_tokens", "at most 32768"),
    (CHAT, "gpt-4o-2024-05-13", {"max_tokens": 4_097}, "invalid_value", "max_tokens", "at most 4096"),
    (CHAT, "gpt-3.5-turbo-0125", {"max_tokens": 4_097}, "invalid_value", "max_tokens", "at most 4096"),
    (CHAT, REASONING, {"max_completion_tokens": 128_001}, "invalid_value", "max_completion_tokens", "at most 128000"),
    (CHAT, "o3-mini-2025-01-31", {"temperature": 0}, "unsupported_parameter", "temperature", "Unsupported parameter: 'temperature' is not supported with this model."),
    (CHAT, "o3", {"max_completion_tokens": 100_001}, "invalid_value", "max_completion_tokens", "at most 100000"),
    (CHAT, PLAIN, {"max_completion_tokens": 0}, "integer_below_min_value", "max_completion_tokens", ">= 1, but got 0 instead."),
    (CHAT, PLAIN, {"max_tokens": "5"}, "invalid_type", "max_tokens", "expected an integer, but got a string instead."),
    (RESPONSES, PLAIN, {"max_output_tokens": 16_385}, "integer_above_max_value", "max_output_tokens", "<= 16384, but got 16385 instead."),
    (RESPONSES, "gpt-5-pro", {"max_output_tokens": 272_001}, "integer_above_max_value", "max_output_tokens", "<= 272000"),
    (RESPONSES, PLAIN, {"max_output_tokens": 15}, "integer_below_min_value", "max_output_tokens", ">= 16, but got 15 instead."),
    # Efforts.
    (CHAT, REASONING, {"reasoning_effort": "none"}, "unsupported_value", "reasoning_effort", "Unsupported value: 'reasoning_effort' does not support 'none' with this model. Supported values are: 'minimal', 'low', 'medium', and 'high'."),
    (CHAT, "gpt-5.1", {"reasoning_effort": "minimal"}, "unsupported_value", "reasoning_effort", "'none', 'low', 'medium', and 'high'."),
    (CHAT, "gpt-5.2", {"reasoning_effort": "minimal"}, "unsupported_value", "reasoning_effort", "'high', and 'xhigh'."),
    (CHAT, NEWER, {"reasoning_effort": "max"}, "unsupported_value", "reasoning_effort", "does not support 'max'"),
    (CHAT, "o3", {"reasoning_effort": "xhigh"}, "unsupported_value", "reasoning_effort", "'low', 'medium', and 'high'."),
    (CHAT, REASONING, {"reasoning_effort": "hgih"}, "unsupported_value", "reasoning_effort", "does not support 'hgih'"),
    (CHAT, REASONING, {"reasoning_effort": 5}, "invalid_type", "reasoning_effort", "got an integer instead."),
    (CHAT, PLAIN, {"reasoning_effort": "low"}, None, None, "Unrecognized request argument supplied: reasoning_effort"),
    (RESPONSES, REASONING, {"reasoning": {"effort": "none"}}, "unsupported_value", "reasoning.effort", "Unsupported value: 'none' is not supported with the 'gpt-5-mini' model. Supported values are: 'minimal', 'low', 'medium', and 'high'."),
    (RESPONSES, "gpt-5.1", {"reasoning": {"effort": "xhigh"}}, "unsupported_value", "reasoning.effort", "with the 'gpt-5.1' model"),
    (RESPONSES, "gpt-5-pro", {"reasoning": {"effort": "low"}}, "unsupported_value", "reasoning.effort", "Supported values are: 'high'."),
    (RESPONSES, "gpt-5.2-pro", {"reasoning": {"effort": "low"}}, "unsupported_value", "reasoning.effort", "'medium', 'high', and 'xhigh'."),
    (RESPONSES, NEWER, {"reasoning": {"effort": "minimal"}}, "unsupported_value", "reasoning.effort", "'xhigh', and 'max'."),
    (RESPONSES, "o4-mini", {"reasoning": {"effort": "minimal"}}, "unsupported_value", "reasoning.effort", "'o4-mini'"),
    (RESPONSES, REASONING, {"reasoning": {"effort": "hgih"}}, "invalid_value", "reasoning.effort", "Invalid value: 'hgih'. Supported values are: 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', and 'max'."),
    (RESPONSES, REASONING, {"reasoning": {"summary": "long"}}, "invalid_value", "reasoning.summary", "'concise', 'detailed', and 'auto'."),
    (RESPONSES, REASONING, {"reasoning": "low"}, "invalid_type", "reasoning", "expected an object, but got a string instead."),
    (RESPONSES, REASONING, {"reasoning": {"efort": "low"}}, "unknown_parameter", "reasoning.efort", "Unknown parameter: 'reasoning.efort'."),
    (RESPONSES, PLAIN, {"reasoning": {"effort": "low"}}, "unsupported_parameter", "reasoning.effort", "is not supported with this model."),
    (RESPONSES, PLAIN, {"reasoning": {"summary": "auto"}}, "unsupported_parameter", "reasoning.summary", "is not supported"),
    (RESPONSES, PLAIN, {"include": ["reasoning.encrypted_content"]}, None, "include", "Encrypted content is not supported"),
    # Numbers.
    (CHAT, PLAIN, {"n": 0}, "integer_below_min_value", "n", ">= 1, but got 0 instead."),
    (CHAT, PLAIN, {"n": 129}, "integer_above_max_value", "n", "<= 128, but got 129 instead."),
    (CHAT, REASONING, {"n": 9}, "integer_above_max_value", "n", "<= 8, but got 9 instead."),
    (CHAT, PLAIN, {"n": 1.5}, "invalid_type", "n", "expected an integer, but got a decimal number instead."),
    (CHAT, PLAIN, {"temperature": 2.1}, "decimal_above_max_value", "temperature", "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 2.1 instead."),
    (CHAT, PLAIN, {"temperature": "0"}, "invalid_type", "temperature", "Invalid type for 'temperature': expected a decimal, but got a string instead."),
    (CHAT, PLAIN, {"temperature": True}, "invalid_type", "temperature", "got a boolean instead."),
    (CHAT, PLAIN, {"top_p": -1}, "decimal_below_min_value", "top_p", ">= 0, but got -1 instead."),
    (CHAT, PLAIN, {"presence_penalty": 3}, "decimal_above_max_value", "presence_penalty", "<= 2, but got 3 instead."),
    (CHAT, PLAIN, {"frequency_penalty": -2.5}, "decimal_below_min_value", "frequency_penalty", ">= -2, but got -2.5"),
    (CHAT, PLAIN, {"seed": 1.5}, "invalid_type", "seed", "expected an integer, but got a decimal number instead."),
    (CHAT, PLAIN, {"seed": 2**63}, "integer_above_max_value", "seed", "<= 9223372036854775807"),
    (CHAT, PLAIN, {"logit_bias": {"1": 101}}, "integer_above_max_value", "logit_bias.1", "<= 100, but got 101"),
    (CHAT, REASONING, {"presence_penalty": 1}, "unsupported_parameter", "presence_penalty", "is not supported"),
    (CHAT, REASONING, {"logit_bias": {"1": 1}}, "unsupported_parameter", "logit_bias", "is not supported"),
    (CHAT, REASONING, {"stop": "x"}, "unsupported_parameter", "stop", "is not supported with this model."),
    (CHAT, PLAIN, {"stop": []}, "empty_array", "stop", "minimum length 1, but got an empty array instead."),
    (CHAT, PLAIN, {"stop": 5}, "invalid_type", "stop", "expected one of a string or an array of strings, but got"),
    (RESPONSES, PLAIN, {"temperature": 3}, "decimal_above_max_value", "temperature", "<= 2, but got 3 instead."),
    (RESPONSES, "gpt-5.5", {"temperature": 0.5}, None, "temperature", "Unsupported parameter: 'temperature' is not"),
    (RESPONSES, PLAIN, {"max_tool_calls": 0}, "integer_below_min_value", "max_tool_calls", ">= 1, but got 0"),
    (COMPLETIONS, "davinci-002", {"n": 2, "best_of": 1}, None, "best_of", "(currently 2) to be at most 'best_of'"),
    (COMPLETIONS, "davinci-002", {"temperature": 3}, "decimal_above_max_value", "temperature", "<= 2, but got 3"),
    # Log probabilities.
    (CHAT, PLAIN, {"top_logprobs": 2}, None, "top_logprobs", "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled."),
    (CHAT, PLAIN, {"top_logprobs": 2, "logprobs": False}, None, "top_logprobs", "only allowed when 'logprobs'"),
    (CHAT, PLAIN, {"top_logprobs": 21, "logprobs": True}, "integer_above_max_value", "top_logprobs", "<= 20, but got 21"),
    (CHAT, PLAIN, {"top_logprobs": -1, "logprobs": True}, "integer_below_min_value", "top_logprobs", ">= 0, but got -1"),
    (CHAT, REASONING, {"logprobs": True}, "unsupported_parameter", "logprobs", "is not supported with this model."),
    (RESPONSES, PLAIN, {"top_logprobs": 21}, "integer_above_max_value", "top_logprobs", "<= 20, but got 21 instead."),
    (RESPONSES, REASONING, {"include": ["message.output_text.logprobs"]}, "unsupported_parameter", "include", "logprobs are not supported with reasoning models."),
    # Words.
    (CHAT, PLAIN, {"service_tier": "batch"}, "invalid_value", "service_tier", "Invalid value: 'batch'. Supported values are: 'auto', 'default', "),
    (CHAT, PLAIN, {"service_tier": 5}, "invalid_type", "service_tier", "expected one of 'auto', 'default', "),
    (CHAT, REASONING, {"verbosity": "short"}, "invalid_value", "verbosity", "'low', 'medium', and 'high'."),
    (CHAT, "o3", {"verbosity": "low"}, "unsupported_value", "verbosity", "'verbosity' does not support 'low' with this model. Supported values are: 'medium'."),
    (CHAT, PLAIN, {"verbosity": "low"}, "unsupported_value", "verbosity", "Supported values are: 'medium'."),
    (CHAT, PLAIN, {"modalities": ["text", "smell"]}, "invalid_value", "modalities[1]", "'text' and 'audio'."),
    (RESPONSES, PLAIN, {"service_tier": "batch"}, "invalid_value", "service_tier", "Supported values are: 'auto', "),
    (RESPONSES, PLAIN, {"include": ["x"]}, "invalid_value", "include[0]", "and 'message.output_text.logprobs'."),
    (RESPONSES, PLAIN, {"text": {"verbosity": "low"}}, "unsupported_value", "text.verbosity", "values are: 'medium'."),
    (RESPONSES, PLAIN, {"tool_choice": "any"}, "invalid_value", "tool_choice", "'none', 'auto', and 'required'."),
    # Unknown parameters.
    (CHAT, PLAIN, {"top_k": 5}, None, None, "Unrecognized request argument supplied: top_k"),
    (CHAT, PLAIN, {"top_k": 5, "min_p": 0}, None, None, "Unrecognized request arguments supplied: top_k, min_p"),
    (CHAT, REASONING, {"reasoning": {"effort": "low"}}, "unknown_parameter", "reasoning", "Unknown parameter: 'reasoning'."),
    (RESPONSES, PLAIN, {"stop": ["x"]}, "unknown_parameter", "stop", "Unknown parameter: 'stop'."),
    (RESPONSES, PLAIN, {"seed": 5}, "unknown_parameter", "seed", "Unknown parameter: 'seed'."),
    (RESPONSES, PLAIN, {"reasoning_effort": "low"}, "unsupported_parameter", "reasoning_effort", "has moved to 'reasoning.effort'. Try again"),
    # Streams.
    (CHAT, PLAIN, {"stream_options": {"include_usage": True}}, None, "stream_options", "only allowed when 'stream' is enabled."),
    (RESPONSES, PLAIN, {"stream_options": {"include_usage": True}}, "unknown_parameter", "stream_options.include_usage", "Unknown parameter"),
    (RESPONSES, PLAIN, {"background": True}, None, "background", "ask without 'background'"),
    (RESPONSES, PLAIN, {"background": "yes"}, "invalid_type", "background", "expected a boolean, but got a string"),
    # Metadata and identifiers.
    (CHAT, PLAIN, {"metadata": {"a": 5}}, "invalid_type", "metadata.a", "Invalid type for 'metadata.a': expected a string, but got an integer instead."),
    (CHAT, PLAIN, {"metadata": {"k" * 65: "v"}}, "property_name_above_max_length", f"metadata.{'k' * 65}", "Invalid property name in 'metadata': 'kkk...kkk' is too long."),
    (CHAT, PLAIN, {"metadata": {"a": "b"}}, None, "metadata", "The 'metadata' parameter is only allowed when 'store' is enabled."),
    (CHAT, PLAIN, {"metadata": {"a": "b"}, "store": False}, None, "metadata", "only allowed when 'store' is enabled."),
    (CHAT, PLAIN, {"metadata": "a"}, "invalid_type", "metadata", "but got a string instead."),
    (RESPONSES, PLAIN, {"metadata": {str(n): "x" for n in range(17)}}, "object_above_max_properties", "metadata", "at most 16 properties, but got an object with 17 properties instead."),
    (RESPONSES, PLAIN, {"metadata": "a"}, "invalid_type", "metadata", "expected a metadata object, but got a string"),
    (RESPONSES, PLAIN, {"safety_identifier": "x" * 65}, "string_above_max_length", "safety_identifier", "length 64"),
    # Messages.
    (CHAT, PLAIN, {"messages": []}, "empty_array", "messages", "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."),
    (CHAT, PLAIN, {"messages": "hello"}, "invalid_type", "messages", "expected an array of objects, but got a string instead."),
    (CHAT, PLAIN, {"messages": ["hello"]}, "invalid_type", "messages[0]", "expected an object, but got a string instead."),
    (CHAT, PLAIN, {"messages": [{"content": "x"}]}, "missing_required_parameter", "messages[0].role", "Missing required parameter: 'messages[0].role'."),
    (CHAT, PLAIN, {"messages": [{"role": "human", "content": "x"}]}, "invalid_value", "messages[0].role", "Invalid value: 'human'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'."),
    (CHAT, PLAIN, {"messages": [{"role": 5, "content": "x"}]}, "invalid_type", "messages[0].role", "expected one of 'system', 'assistant', 'user', 'function', 'tool', or 'developer', but got an integer instead."),
    (CHAT, PLAIN, user(7), "invalid_type", "messages[0].content", "expected one of a string or array of objects, but got an integer instead."),
    (CHAT, PLAIN, user(None), None, "messages.[0].content", "Invalid value for 'content': expected a string, got null."),
    (CHAT, PLAIN, user([]), "empty_array", "messages[0].content", "minimum length 1"),
    (CHAT, PLAIN, user([{"text": "x"}]), "missing_required_parameter", "messages[0].content[0].type", "Missing"),
    (CHAT, PLAIN, user([{"type": "input_text"}]), "invalid_value", "messages[0].content[0].type", "'audio', and 'file'."),
    (CHAT, PLAIN, user([{"type": "image_url", "image_url": "x"}]), "invalid_type", "messages[0].content[0].image_url", "expected an object, but got a string instead."),
    (CHAT, PLAIN, {"messages": [{"role": "system", "content": IMAGE}]}, "invalid_value", "messages[0]", "Image URLs are only allowed for messages with role 'user', but this message with role 'system' contains an image URL."),
    (CHAT, PLAIN, user("x", name="a b"), "invalid_value", "messages[0].name", "string does not match pattern."),
    (CHAT, PLAIN, after({"role": "tool", "content": "x"}), "missing_required_parameter", "messages[1].tool_call_id", "Missing"),
    (CHAT, PLAIN, after({"role": "tool", "content": "x", "tool_call_id": "c1"}), None, "messages.[1].role", "must be a response to a preceeding message with 'tool_calls'."),
    (CHAT, PLAIN, after(CALLS), None, "messages", "did not have response messages: c1"),
    # Tools and formats.
    (CHAT, PLAIN, {"tools": []}, "empty_array", "tools", "minimum length 1"),
    (CHAT, PLAIN, {"tools": "none"}, "invalid_type", "tools", "expected an array of objects, but got a string instead."),
    (CHAT, PLAIN, {"tools": [FUNCTION] * 129}, "array_above_max_length", "tools", "maximum length 128"),
    (CHAT, PLAIN, {"tools": [{"type": "function"}]}, "missing_required_parameter", "tools[0].function", "Missing"),
    (CHAT, PLAIN, {"tools": [{"type": "function", "function": {}}]}, "missing_required_parameter", "tools[0].function.name", "Missing"),
    (CHAT, PLAIN, {"tools": [{"type": "function", "function": {"name": "a b"}}]}, "invalid_value", "tools[0].function.name", "string does not match pattern."),
    (CHAT, PLAIN, {"tools": [STRICT]}, "invalid_function_parameters", "tools[0].function.parameters", "Invalid schema for function 'f': "),
    (CHAT, PLAIN, {"tool_choice": "auto"}, None, "tool_choice", "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."),
    (CHAT, PLAIN, {"parallel_tool_calls": False}, None, "parallel_tool_calls", "is only allowed when 'tools' are specified."),
    (CHAT, PLAIN, {"parallel_tool_calls": None}, "invalid_type", "parallel_tool_calls", "expected a boolean, but got null instead."),
    (CHAT, PLAIN, {"tools": [FUNCTION], "tool_choice": {"type": "function"}}, "missing_required_parameter", "tool_choice.function", "Missing"),
    (CHAT, "o4-mini", {"tools": [FUNCTION], "parallel_tool_calls": False}, "unsupported_parameter", "parallel_tool_calls", "Unsupported parameter: 'parallel_tool_calls' is not supported with this model."),
    (CHAT, "gpt-5.4", {"tools": [FUNCTION], "reasoning_effort": "low"}, None, "reasoning_effort", "Function tools with reasoning_effort are not supported for gpt-5.4"),
    (CHAT, NEWER, {"tools": [FUNCTION]}, None, "reasoning_effort", "Function tools with reasoning_effort are not supported for gpt-5.6-terra"),
    (CHAT, PLAIN, {"response_format": "json"}, "invalid_type", "response_format", "expected an object, but got a string instead."),
    (CHAT, OLD, {"response_format": SCHEMA}, None, None, "'response_format' of type 'json_schema' is not supported with this model."),
    (CHAT, "gpt-4", after() | {"response_format": {"type": "json_object"}}, None, "response_format", "of type 'json_object' is not"),
    (RESPONSES, OLD, {"text": FORMAT}, None, None, "'text.format' of type 'json_schema' is not supported with this model."),
    (RESPONSES, PLAIN, {"input": "json", "tools": SEARCH, "text": {"format": {"type": "json_object"}}}, None, "tools", "Web Search cannot be used with JSON mode."),
    (RESPONSES, REASONING, {"tools": SEARCH, "reasoning": {"effort": "minimal"}}, None, "tools", "cannot be used with reasoning.effort 'minimal': web_search."),
    # Embeddings.
    (EMBEDDINGS, "text-embedding-ada-002", {"dimensions": 8}, None, None, "This model does not support specifying dimensions."),
    (EMBEDDINGS, "text-embedding-3-small", {"dimensions": 0}, "integer_below_min_value", "dimensions", ">= 1, but got 0"),
    (EMBEDDINGS, "text-embedding-3-large", {"dimensions": 3_073}, "invalid_value", "dimensions", "less than or equal to 3072"),
    (EMBEDDINGS, "text-embedding-3-small", {"dimensions": "8"}, "invalid_type", "dimensions", "expected an integer, but got a string"),
    (EMBEDDINGS, "text-embedding-3-small", {"input": ""}, None, None, "'$.input' is invalid. Please check the API reference: "),
    (EMBEDDINGS, "text-embedding-3-small", {"input": []}, None, None, "'$.input' is invalid. Please check the API reference: "),
    (EMBEDDINGS, "text-embedding-3-small", {"input": ["x"] * 2_049}, None, None, "'$.input' is invalid. Please check the API reference: "),
    (EMBEDDINGS, "text-embedding-3-small", {"input": ["a", ""]}, None, None, "'$.input' is invalid."),
    (EMBEDDINGS, "text-embedding-3-small", {"input": "x" * 40_000}, None, None, "maximum context length is 8192"),
]  # fmt: skip


def cases(rows: list[tuple[Any, ...]]) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    """The rows of each endpoint and model, for a batch has one of each."""
    found = defaultdict(list)
    for path, model, *case in rows:
        found[path, model].append(tuple(case))
    return dict(found)


REFUSALS = cases(REFUSED)


@pytest.mark.parametrize(("path", "model"), REFUSALS)
def test_refused_alike(api: Api, path: str, model: str):
    """Each is a 400 line of the batch's error file, and the same error synchronously."""
    rows = REFUSALS[path, model]
    lines = [make_request(path, f"r{at}", model=model, **body) for at, (body, *_) in enumerate(rows)]
    lines.append(make_request(path, "good", model=model))

    answers = api.answers(lines)

    good = answers.pop("good")["response"]
    assert good["status_code"] == 200, good
    for line, (body, code, param, text) in zip(lines, rows, strict=False):
        answer = answers[line["custom_id"]]
        assert (answer["response"]["status_code"], answer["error"]) == (400, None), (body, answer)
        error = answer["response"]["body"]["error"]
        assert (error["code"], error["param"]) == (code, param), body
        assert text in error["message"], body
        with pytest.raises(openai.BadRequestError) as caught:
            api.client.post(f"/{path}", body=line["body"], cast_to=object)
        assert caught.value.body == error


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("gpt-5-pro", "This model is only supported in v1/responses and not in v1/chat/completions."),
        ("o3-pro", "This model is only supported in v1/responses and not in v1/chat/completions."),
        ("gpt-3.5-turbo-instruct", "This is not a chat model"),
        ("text-embedding-3-small", "This is not a chat model"),
    ],
)
def test_models_that_do_not_chat(api: Api, model: str, text: str):
    """A model that another endpoint serves is a 404 of its request."""
    answer = api.answers([make_request(CHAT, model=model)])["r0"]["response"]

    assert (answer["status_code"], answer["body"]["error"]["param"]) == (404, "model")
    assert answer["body"]["error"]["message"].startswith(text)


#: endpoint, model, body.
TAKEN: list[tuple[str, str, dict[str, Any]]] = [
    (CHAT, "gpt-5.1", {"temperature": 0}),
    (CHAT, "gpt-5.4", {"temperature": 0, "top_p": 0.5, "presence_penalty": 1, "logprobs": True, "top_logprobs": 5}),
    (CHAT, NEWER, {"reasoning_effort": "none", "temperature": 0, "tools": [FUNCTION]}),
    (CHAT, NEWER, {"reasoning_effort": "xhigh", "n": 8, "seed": 1, "verbosity": "low", "service_tier": "flex"}),
    (CHAT, REASONING, {"reasoning_effort": "minimal", "max_completion_tokens": 128_000, "tools": [FUNCTION]}),
    (CHAT, REASONING, {"temperature": None, "stop": None, "n": None, "metadata": None, "tools": None}),
    (CHAT, "gpt-6-sol", {"reasoning_effort": "none"}),
    (CHAT, "o1", {"reasoning_effort": "high", "stop": ["x"]}),
    (CHAT, "o1-2024-12-17", {"stop": ["x"]}),
    (CHAT, "gpt-5.4", {"tools": [FUNCTION]}),
    (CHAT, "gpt-5.4", {"tools": [FUNCTION], "reasoning_effort": "none", "parallel_tool_calls": False}),
    (CHAT, "gpt-5", {"tools": [FUNCTION], "reasoning_effort": "low", "parallel_tool_calls": True}),
    (CHAT, PLAIN, {"max_tokens": 16_384, "temperature": 2, "top_p": 1, "stop": "x", "seed": -1, "n": 128}),
    (CHAT, PLAIN, {"tools": [FUNCTION], "tool_choice": "required", "parallel_tool_calls": False}),
    (CHAT, PLAIN, {"logprobs": True, "top_logprobs": 20, "logit_bias": {"1": -100}, "frequency_penalty": -2}),
    (CHAT, PLAIN, {"metadata": {"k" * 64: "v" * 512}, "user": "u", "store": True, "prompt_cache_key": "k"}),
    (CHAT, PLAIN, after(CALLS, {"role": "tool", "tool_call_id": "c1", "content": "5"})),
    (CHAT, PLAIN, user([{"type": "text", "text": "a"}, *IMAGE], name="Anna")),
    (CHAT, PLAIN, {"response_format": SCHEMA}),
    (RESPONSES, "gpt-5.2", {"temperature": 0, "top_p": 0.5}),
    (RESPONSES, "gpt-5.6-luna", {"reasoning": {"effort": "max", "summary": "auto"}, "max_output_tokens": 16}),
    (RESPONSES, "gpt-5.2-pro", {"reasoning": {"effort": "medium"}}),
    (RESPONSES, REASONING, {"include": ["reasoning.encrypted_content"], "text": {"verbosity": "high"}}),
    (RESPONSES, PLAIN, {"tools": SEARCH, "tool_choice": "auto", "top_logprobs": 20, "service_tier": "auto"}),
    (RESPONSES, PLAIN, {"metadata": {"a": "b"}, "background": False, "store": False, "truncation": "auto"}),
    (EMBEDDINGS, "text-embedding-3-large", {"dimensions": 3_072}),
    (COMPLETIONS, "davinci-002", {"n": 2, "best_of": 2, "temperature": 0, "logprobs": 5}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "model"), cases(TAKEN))
def test_taken(api: Api, path: str, model: str):
    """What production takes is answered."""
    bodies = [body for (body,) in cases(TAKEN)[path, model]]

    answers = api.answers([make_request(path, f"r{at}", model=model, **b) for at, b in enumerate(bodies)])

    for at, body in enumerate(bodies):
        response = answers[f"r{at}"]["response"]
        assert response["status_code"] == 200, (body, response["body"])


@pytest.mark.parametrize("path", [CHAT, RESPONSES, COMPLETIONS])
def test_a_stream_fails_the_batch(api: Api, path: str):
    """A stream is refused before any request runs, as the API does."""
    batch = api.look(api.send([make_request(path, stream=True)]))

    assert batch.status == "failed"
    assert batch.errors is not None
    assert [(one.code, one.param) for one in batch.errors.data or ()] == [
        ("streaming_unsupported", "body.stream")
    ]


@pytest.mark.parametrize(
    "body", [{"max_tokens": 10**6}, {"reasoning_effort": "odd"}, {"n": 100, "stop": "x"}]
)
def test_models_of_ones_own_have_no_limits(api: Api, openai_batch_emulator, body: dict[str, Any]):
    """What is not known of a model is not refused."""
    openai_batch_emulator.restart(models=("my-model",))

    answer = api.answers([make_request(CHAT, model="my-model", **body)])["r0"]["response"]

    assert answer["status_code"] == 200
