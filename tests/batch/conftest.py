"""Settings of the property tests."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("batch", deadline=None)  # a busy machine is slow now and then
settings.load_profile("batch")
