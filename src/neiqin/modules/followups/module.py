"""What follow-ups plug into the system."""

from pathlib import Path

from django.urls import path

from neiqin.kernel.resources.resource import Module
from neiqin.kernel.rules.defaults import RuleFile
from neiqin.modules.followups import followups, pages, quick

# What may give a customer another owner, or make one.
MOVES = (
    "created",
    "handed_over",
    "level_confirmed",
    "fell_into_pool",
    "released",
    "claimed",
    "assigned",
    "withdrawn",
)

module = Module(
    label="跟进",
    resources=[followups.resource],
    figures=[followups.due, followups.aimless],
    imports=[followups.plan],
    tools=[pages.tools],
    home=[followups.to_follow, followups.without_next_step],
    plugs=quick.QUICKS,
    rules=[RuleFile(Path(__file__).parent / "rules/next_step.json")],
    urls=[path("customers/follow/", pages.follow)],
    effects={f"customers.customer.{event}": followups.of_customers for event in MOVES}
    | {
        "customers.followup.created": followups.of_followups,
        "customers.followup.edited": followups.of_followups,
        "customers.followup.withdrawn": followups.of_withdrawn,
    },
    carries={
        "C-LEAD-07": ("/customers/followup/", "线索和商机的下一步，提醒经理"),
        "C-LEAD-13": ("/customers/followup/", "当天的拜访计划和对照"),
    },
    permissions={followups.MAY: "记跟进", followups.CORRECT: "更正跟进记录，替人补记"},
)
