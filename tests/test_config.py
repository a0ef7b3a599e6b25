"""Options of `[openai_batch]` are read as Airflow reads them, and have defaults."""

from __future__ import annotations

import pytest

from airflow_provider_openai_batch import config

DEFAULTS = {"work_path": "", "retention_days": 30.0, "sends_metadata": True, "shows_keys": True}


@pytest.mark.parametrize("name", DEFAULTS)
def test_an_option_has_a_default(name):
    """Nobody has to configure anything to begin."""
    assert getattr(config, name)() == DEFAULTS[name]


@pytest.mark.parametrize(
    ("option", "text", "name", "value"),
    [
        ("WORK_PATH", "s3://bucket/runs", "work_path", "s3://bucket/runs"),
        ("RETENTION_DAYS", "7.5", "retention_days", 7.5),
        ("METADATA", "False", "sends_metadata", False),
        ("SHOW_KEYS", "0", "shows_keys", False),
        ("FIRST_LOOK", "2", "first_look", 2.0),
    ],
)
def test_an_option_can_be_set_in_the_environment(monkeypatch, option, text, name, value):
    """The environment counts more than the file, as for Airflow's own options."""
    monkeypatch.setenv(f"AIRFLOW__OPENAI_BATCH__{option}", text)

    assert getattr(config, name)() == value


def test_the_settings_of_a_run_come_from_it(monkeypatch):
    """How long the list of batches may lag is an option, in seconds."""
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__SETTLE", "90")

    assert config.settings().settle == 90
