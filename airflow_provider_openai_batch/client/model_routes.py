"""The calls about models, which servers need not have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
import openai

from airflow_provider_openai_batch.batch.api.status_codes import NOT_FOUND
from airflow_provider_openai_batch.batch.text.server_words import shown
from airflow_provider_openai_batch.batch.text.shallow_json import shallow
from airflow_provider_openai_batch.client.api_answers import Models, refused
from airflow_provider_openai_batch.client.same_origin import guarded

if TYPE_CHECKING:
    from airflow_provider_openai_batch.client.api_clock import ApiClock

TIMEOUT = 20.0
UNKNOWN = "model_not_found"
#: How other servers say it, which have no such code.
SAID = re.compile(r"\bmodel\b[^/]*\b(not found|not exist|unknown)\b", re.IGNORECASE)


class ModelRoutes:
    """What an API says of its models; only clear answers count."""

    def __init__(self, api: openai.OpenAI, clock: ApiClock) -> None:
        self._api, self._clock = api, clock

    def is_unknown(self, model: str, *, by_code: bool) -> bool:
        """Return whether the API itself says that there is no such model.

        :param by_code: only OpenAI's own code counts, not what other servers write.
        """
        try:
            self._clock.see(self._once().models.with_raw_response.retrieve(model))
        except openai.APIStatusError as error:
            self._clock.see(error.response)
            return _says_unknown(error, by_code=by_code)
        except (openai.OpenAIError, ValueError):  # of a name that no URL can hold, the SDK says the latter
            return False
        return False

    def names(self) -> tuple[str, ...]:
        """Return the models that the API lists, none where it does not."""
        try:
            answer = self._once().models.with_raw_response.list()
            self._clock.see(answer)
            models = msgspec.json.decode(shallow(answer.content), type=Models).data
            return tuple(shown(model.id) for model in models)
        except openai.APIStatusError as error:
            self._clock.see(error.response)
        except (openai.OpenAIError, msgspec.MsgspecError):
            pass
        return ()

    def _once(self) -> openai.OpenAI:
        return guarded(self._api.with_options(max_retries=0, timeout=TIMEOUT))


def _says_unknown(error: openai.APIStatusError, *, by_code: bool) -> bool:
    """Return whether the model is unknown, and not the route or path."""
    refusal = refused(error) if error.status_code == NOT_FOUND else None
    if refusal is None:
        return False
    return refusal.code == UNKNOWN or (not by_code and SAID.search(refusal.message) is not None)
