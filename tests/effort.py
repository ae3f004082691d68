"""How much the tests try: a little, so that all of them fit into minutes. NEIQIN_EFFORT=10 tries ten times as much."""

import os
from typing import Any

from hypothesis import HealthCheck, settings

EFFORT = int(os.environ.get("NEIQIN_EFFORT", "1"))


def tries(few: int, **more: Any) -> settings:
    """Settings of a property: few examples times the effort, always the same ones, each as long as it takes."""
    return settings(
        max_examples=few * EFFORT,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        **more,
    )
