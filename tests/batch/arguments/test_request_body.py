"""What each endpoint needs in the body of a request."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest

CHAT, RESPONSES, EMBEDDINGS = "/v1/chat/completions", "/v1/responses", "/v1/embeddings"
MODERATIONS, COMPLETIONS = "/v1/moderations", "/v1/completions"
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,{picture}"}}


@pytest.mark.parametrize(
    "request_",
    [
        {"endpoint": "/chat/completions", "messages": [{"role": "user", "content": "{a}"}]},
        {"endpoint": RESPONSES, "input": "{a}", "temperture": 1},
        {"endpoint": RESPONSES, "input": [{"role": "user", "content": "{a}"}], "text": {"verbosity": "low"}},
        {"endpoint": RESPONSES, "prompt": {"id": "pmpt_1", "variables": {"a": "{a}"}}},
        {"endpoint": EMBEDDINGS, "input": "{a}", "dimensions": 256},
        {"endpoint": EMBEDDINGS, "input": ["{a}"]},
        {"endpoint": EMBEDDINGS, "input": [1, 2, 3]},
        {"endpoint": MODERATIONS, "input": "{a}"},
        {"endpoint": MODERATIONS, "input": [{"type": "text", "text": "{a}"}, IMAGE]},
        {"endpoint": COMPLETIONS, "prompt": "{a}"},
        {"endpoint": "/v1/images/generations", "prompt": "{a}", "n": 2},
        {"endpoint": "/v1/videos", "prompt": "{a}"},
        {"endpoint": "/v4/chat/completions", "messages": [{"role": "user", "content": "{a}"}]},
        {"endpoint": "/rerank", "query": "{a}", "documents": ["a", "b"]},
        {"endpoint": "/v1/rerank", "query": "{a}", "documents": ["a", "b"]},
    ],
)
def test_what_an_endpoint_takes_is_kept(request_: dict[str, Any]) -> None:
    """The body stays as it was given, whatever else the API documents."""
    given = {"model": "m", **request_}

    checked = arguments.request(given)

    assert list(checked) == ["endpoint", *(name for name in given if name != "endpoint")]
    assert checked == given


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({"endpoint": CHAT, "input": "{a}"}, "the 'endpoint' '/v1/responses' or '/v1/embeddings'."),
        ({"endpoint": "/chat/completions"}, "request['messages'] is None; give a list of messages."),
        ({"endpoint": RESPONSES, "messages": ["x"]}, "the 'endpoint' '/v1/chat/completions'."),
        ({"endpoint": RESPONSES, "input": []}, "request has no 'input'"),
        ({"endpoint": RESPONSES, "input": "{a}", "background": True}, "request['background'] would leave"),
        ({"endpoint": EMBEDDINGS, "input": ["{a}", "{b}"]}, "request['input'] is a list of 2; a row"),
        ({"endpoint": EMBEDDINGS, "input": [[1, 2], [3]]}, "request['input'] is a list of 2; a row"),
        ({"endpoint": EMBEDDINGS}, "request['input'] is None; give a text."),
        ({"endpoint": EMBEDDINGS, "input": {"a": 1}}, "request['input'] is {'a': 1}; give a text."),
        ({"endpoint": EMBEDDINGS, "input": "{a}", "dimensions": "256"}, "request['dimensions'] is '256'"),
        ({"endpoint": EMBEDDINGS, "input": "{a}", "dimensions": 0}, "request['dimensions'] is 0; give"),
        ({"endpoint": MODERATIONS, "input": ["{a}", "{b}"]}, "request['input'] is a list of 2; a row"),
        ({"endpoint": COMPLETIONS, "prompt": ["{a}", "{b}"]}, "request['prompt'] is a list of 2; a row"),
        ({"endpoint": COMPLETIONS, "prompt": "{a}", "n": 2}, "request['n'] is 2"),
        ({"endpoint": RESPONSES, "input": "{a}", "model": ""}, "request['model'] is ''; name the model"),
        ({"endpoint": RESPONSES, "input": "{a}", "stream": True}, "request['stream'] is refused"),
        ({"endpoint": "v1/responses", "input": "{a}"}, "request['endpoint'] is 'v1/responses'; give a path"),
        ({"endpoint": f"{RESPONSES}/", "input": "{a}"}, "is '/v1/responses/'; write it as '/v1/responses'."),
        ({"endpoint": "/v1/chat/completion"}, "completion'; write it as '/v1/chat/completions'."),
        ({"endpoint": "/chat/completion"}, "completion'; write it as '/chat/completions'."),
        ({"endpoint": "/response", "input": "{a}"}, "is '/response'; write it as '/responses'."),
        ({"endpoint": ""}, "is ''; give a path such as '/v1/chat/completions'."),
        ({"endpoint": "/V1/Embeddings", "input": "{a}"}, "write it as '/v1/embeddings'."),
        ({"endpoint": "https://a.b/v1/moderations"}, "give a path such as '/v1/moderations'."),
        ({"endpoint": MODERATIONS, "input": {"type": "text"}}, "is {'type': 'text'}; put the part into"),
        ({"endpoint": CHAT, "messages": ["{a}"]}, "request['messages'] holds '{a}'; a message is a dict"),
        ({"endpoint": RESPONSES, "input": "{a}", "output_type": ["b"]}, "holds 'output_type', which is an"),
        ({"endpoint": RESPONSES, "input": "{a}", "limits": {}}, "holds 'limits', which is an argument"),
        ({"custom_id": "{a}", "body": {"messages": []}}, "holds 'custom_id', which is not part of a body"),
        ({"endpoint": EMBEDDINGS, "input": "{a}", "completion_window": "24h"}, "holds 'completion_window',"),
    ],
)  # fmt: skip
def test_what_no_row_could_use_is_refused(request_: dict[str, Any], told: str) -> None:
    """Before anything is sent, and with what to do about it."""
    with pytest.raises(InvalidRequest) as caught:
        arguments.request({"model": "m", **request_})

    assert told in str(caught.value)
