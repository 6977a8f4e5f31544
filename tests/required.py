"""What a test does without something that it needs: skip for a named reason, or fail in CI."""

import os
from typing import NoReturn

import pytest


def without(reason: str) -> NoReturn:
    """Skip for a named reason, or fail where everything is required."""
    if os.environ.get("SOMITE_REQUIRE_ALL") == "1":
        pytest.fail(f"SOMITE_REQUIRE_ALL=1, but {reason}")
    pytest.skip(reason)
