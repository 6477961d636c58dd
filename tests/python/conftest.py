"""What every test shares: how hard the property tests try, and lakes to work in."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import weir

# `ci` gives the same examples every time, so that a red build is red for everybody.
# `--hypothesis-profile more` looks for new ones, and keeps those that fail.
_COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "ci", parent=_COMMON, max_examples=300, derandomize=True, database=None
)
settings.register_profile("more", parent=_COMMON, max_examples=10_000)
settings.load_profile("ci")


@pytest.fixture(scope="session", autouse=True)
def _binary_is_built() -> None:
    """Say once what is missing, instead of once for each test."""
    if not weir.BINARY.is_file():
        pytest.exit(f"{weir.BINARY} is not there; build it or set WEIR_BIN", 2)


@pytest.fixture(scope="module")
def new_lake(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that sets up a lake from one of the examples."""

    def create(example: str) -> Path:
        lake = tmp_path_factory.mktemp(example) / "lake"
        weir.run("init", lake, "--example", example).check()
        return lake

    return create
