"""A fixed clock: the samples are written for the morning of 20 November 2026."""

import pytest

from neiqin.kernel import clock
from tests.web import samples


@pytest.fixture(autouse=True)
def morning(monkeypatch):
    """10:42 in Shanghai."""
    monkeypatch.setattr(clock, "now", lambda: samples.NOW)
