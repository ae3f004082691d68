"""What the public pool plugs into the system."""

from dataclasses import replace
from pathlib import Path

from django.urls import path

from neiqin.kernel.resources.resource import Module
from neiqin.kernel.rules.defaults import RuleFile
from neiqin.modules.customers import imports
from neiqin.modules.customers.resources import customer
from neiqin.modules.pool import pages, pool

RULES = Path(__file__).parent / "rules"

module = Module(
    label="公海",
    resources=[pool.resource],
    verbs={customer.key: [pool.release]},
    imports=[replace(imports.customers, pool=pool.create)],
    tools=[pages.tools],
    home=[pool.falling_soon],
    hourly=[pool.every_hour],
    plugs=[pool.SOON],
    rules=[RuleFile(RULES / f"{name}.json") for name in ("pool", "pool_limits")],
    urls=[path("customers/pool/", pages.pool_ahead)],
    carries={
        "C-LEAD-01": ("/customers/pooled/", "线索的单独登记"),
    },
    permissions={pool.CLAIM: "看公海、领取", pool.RELEASE: "放入公海", pool.MANAGE: "从公海分配"},
)
