"""Folders in which a borrowed user may move, and clusters that are gone afterwards."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from neiqin.config.postgres import Cluster


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may pass through, unlike pytest's own, which only its owner may."""
    made = Path(tempfile.mkdtemp(prefix="nq-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def cluster_at() -> Iterator:
    """cluster_at(path) -> Cluster; stopped after the test, whatever it did to it."""
    made: list[Cluster] = []

    def make(data: Path) -> Cluster:
        made.append(Cluster(data, durable=False))
        return made[-1]

    yield make
    for cluster in made:
        cluster.leave()
        if (cluster.data / "database.json").exists():
            cluster.stop()


@pytest.fixture
def as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
