"""An office for tests: a rep, his manager, finance, the director; and routes published as staff do it."""

import orjson
from django.test import Client

from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.rules import actions as rules
from neiqin.kernel.rules.models import Table
from tests import factories

DEFAULT = ["其他", "", "", "", "", "", "", "", "", "不用审批", "8", "一般", "无"]
INPUTS = 9


class Office:
    """A rep and a colleague in 华东一组, their manager, the director in 销售部 above, finance and legal beside."""

    def __init__(self):
        rights = {f"customers_{r}": "own" for r in factories.CUSTOMER_RIGHTS} | {"approvals_view": "own"}
        below = {name: "below" for name in rights}
        self.company = factories.unit("恒川")
        self.sales = factories.unit("销售部", self.company)
        self.team = factories.unit("华东一组", self.sales)
        rep = factories.position("销售代表", **rights)
        self.rep = factories.person("周启明", unit_=self.team, position_=rep)
        self.colleague = factories.person("何雨桐", unit_=self.team, position_=rep)
        boss = factories.position("销售经理", **below)
        self.manager = factories.person("陆建国", unit_=self.team, position_=boss)
        self.director = factories.person("许曼", unit_=self.sales, position_=factories.position("销售总监", **below))
        money = factories.position("财务", approvals_view="own", customers_view="all")
        self.finance = factories.person("沈文", unit_=self.company, position_=money)
        self.legal = factories.person(
            "顾法", unit_=self.company, position_=factories.position("法务", approvals_view="own", customers_view="all")
        )
        keeper = factories.position("流程管理员", approvals_view="all", approvals_manage="all")
        self.admin = factories.person("潘一鸣", unit_=self.company, position_=keeper)
        for unit, leader in ((self.team, self.manager), (self.sales, self.director)):
            type(unit).objects.filter(pk=unit.pk).update(leader=leader)

    def customer(self, **values):
        return factories.customer(actor_of(self.rep.pk), **values)

    def desk(self, someone) -> Client:
        return factories.sign_in(Client(), someone)


def row(action, route, *, kind="", amount="", unit="", hours="8", risk="一般", copies="无"):
    """A row of 《审批路线》."""
    return [action, kind, amount, unit, "", "", "", "", "", route, hours, risk, copies]


def publish(*rows, from_on="2026-01-01"):
    """These rows in front of the default, in force from a day on."""
    example = ["客户·修改备注", "无", "0", "华东", "无", "1", "无", "0", "否", *DEFAULT[INPUTS:]]
    publish_table("approvals", [*rows, DEFAULT], example, from_on)


def publish_table(code: str, rows, example, from_on="2026-01-01"):
    """A new version of a decision table, as staff publish it."""
    found = Table.objects.get(code=code)
    content = orjson.dumps({"rows": rows, "examples": [example]}).decode()
    outcome = perform(rules.draft, [found.pk], by=SYSTEM, params={"content": content})
    assert outcome.done, outcome.refused
    outcome = perform(rules.publish, [found.versions.latest("number").pk], by=SYSTEM, params={"from_on": from_on})
    assert outcome.done, outcome.refused
