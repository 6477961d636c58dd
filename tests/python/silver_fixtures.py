"""What the tests of silver share. A test module asks for it by `pytest_plugins`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import silver_spark


@pytest.fixture(scope="session")
def _spark(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Start Spark once: it takes seconds."""
    if silver_spark.is_left_out():
        pytest.skip(f"{silver_spark.WITHOUT} is set: Spark does not read or write here")
    missing = silver_spark.what_is_missing()
    if missing:
        pytest.fail(missing, pytrace=False)
    spark = silver_spark.start(tmp_path_factory.mktemp("spark"))
    yield spark
    spark.stop()


@pytest.fixture(scope="session")
def spark_of(_spark: Any) -> Callable[[Path], Any]:
    """Return a function that gives a session of Spark with a lake as catalog `weir`."""
    return lambda lake: silver_spark.session(_spark, lake)
