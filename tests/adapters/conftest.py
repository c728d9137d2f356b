"""Contract suites are plain modules; their assertions should explain themselves as those of tests do."""

import pytest

for _suite in ("event_log", "record_store", "lake", "model_registry"):
    pytest.register_assert_rewrite(f"tests.contracts.{_suite}")
