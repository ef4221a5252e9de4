"""What was built for distribution, and environments to install it into."""

from __future__ import annotations

from pathlib import Path

import pytest
from environment import REPOSITORY, Environment
from packaging.tags import parse_tag, sys_tags


@pytest.fixture(scope="session")
def dist() -> Path:
    """The folder that make wheels fills."""
    folder = REPOSITORY / "dist"
    assert folder.is_dir(), "run make wheels first"
    return folder


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    """The wheel for this system."""
    here = set(sys_tags())
    (fitting,) = (file for file in dist.glob("*.whl") if parse_tag(file.stem.split("-", 2)[2]) & here)
    return fitting


@pytest.fixture(scope="session")
def sdist(dist: Path) -> Path:
    """The source distribution."""
    (file,) = dist.glob("*.tar.gz")
    return file


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """An empty environment."""
    return Environment(tmp_path / "environment")
