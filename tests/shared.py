"""The collected sample files, which lie beside the checkout on some machines and are part of no installation."""

import pytest

from tests.fixtures import ROOT

DATA = next((p / "shared/data" for p in ROOT.parents if (p / "shared/data").is_dir()), ROOT.parent / "shared/data")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the collected sample files are not on this machine")
