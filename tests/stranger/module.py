from pathlib import Path

from neiqin.kernel.resources.resource import Module
from neiqin.kernel.rules.defaults import RuleFile
from tests.stranger import asks, clocks, forms, jobs, receipts, resources  # noqa: F401 - the manifest brings its jobs

module = Module(
    "样品",
    [resources.sample, receipts.receipt],
    permissions={"stranger.view": "看样品", "stranger.create": "建样品", "stranger.edit": "改样品"},
    clocks=clocks.CLOCKS,
    forms=[forms.LENT],
    plugs=[*asks.ASKS, receipts.CHECKS],
    rules=[RuleFile(Path(__file__).parent / "rules/lending.json")],
)
