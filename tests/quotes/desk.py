"""Who makes quotes in these tests, and their screens."""

import re
from datetime import timedelta

from django.test import Client

from neiqin.kernel import clock
from neiqin.kernel.people.actors import actor_of
from neiqin.modules.quotes.models import Quote
from tests import factories

QUOTES = "/quotes/quote/"
RIGHTS = ("view", "create", "edit")
ORDER_RIGHTS = ("view", "create", "edit", "approve")


class Desk:
    """周启明 sells, 林知夏 works for him, 陆建国 manages both; 沈亦舟 sells elsewhere."""

    def __init__(self):
        own = {f"customers_{r}": "own" for r in factories.CUSTOMER_RIGHTS}
        own |= {f"quotes_{r}": "own" for r in RIGHTS} | {f"orders_{r}": "own" for r in ORDER_RIGHTS}
        own |= {"quotes_templates": "all", "catalog_view": "all", "approvals_view": "own", "guests_invite": "all"}
        below = {name: "below" if scope == "own" else scope for name, scope in own.items()}
        self.unit = factories.unit("华东一组")
        rep = factories.position("销售代表", **own)
        self.rep = factories.person("周启明", unit_=self.unit, position_=rep)
        self.clerk = factories.person("林知夏", unit_=self.unit, position_=factories.position("销售助理", **own))
        factories.works_for(self.clerk, self.rep)
        self.manager = factories.person("陆建国", unit_=self.unit, position_=factories.position("销售经理", **below))
        type(self.unit).objects.filter(pk=self.unit.pk).update(leader=self.manager)
        self.stranger = factories.person("沈亦舟", unit_=factories.unit("华北一组"), position_=rep)
        self.customer = factories.customer(actor_of(self.rep.pk), name="昆山澄江精密", province="江苏省")

    def at(self, someone) -> Client:
        return factories.sign_in(Client(), someone)

    def page(self, someone, address: str) -> str:
        answer = self.at(someone).get(address)
        assert answer.status_code == 200, answer.status_code
        return words(answer)

    def do(self, someone, quote, verb, **given):
        return self.at(someone).post(f"{QUOTES}{quote.pk}/{verb}/", given)

    def write(self, *lines, **values) -> Quote:
        """The clerk types a quote."""
        given = {"customer": self.customer.pk, "valid_until": str(clock.today() + timedelta(days=30))}
        for n, line in enumerate(lines or ({"item_name": "轴承", "quantity": "10", "price": "20"},)):
            given |= {f"lines-{n}-{name}": value for name, value in line.items()}
        answer = self.at(self.clerk).post(f"{QUOTES}new/", given | values)
        assert answer.status_code == 302, words(answer)[:900]
        return Quote.objects.latest("pk")

    def sent(self, *lines, **values) -> Quote:
        return self.moved(self.write(*lines, **values), "send")

    def accepted(self, *lines, **values) -> Quote:
        return self.moved(self.sent(*lines, **values), "accept", how="call", proof="潘工来电")

    def moved(self, quote, verb, **given) -> Quote:
        answer = self.do(self.clerk, quote, verb, **given)
        assert answer.status_code == 200, words(answer)[:900]
        return again(quote)

    def renewed(self, quote, **given) -> Quote:
        """The draft of its next version."""
        self.moved(quote, "renew", **given)
        return Quote.objects.latest("pk")

    def push(self, someone, quote, **given):
        """The page 下推订单: quantities by line number, else all that remains."""
        lines = list(quote.lines.order_by("pk"))
        page = self.at(someone).get(f"/quotes/push/?id={quote.pk}").content.decode()
        asked = dict(re.findall(r'name="(q-\d+)" value="([^"]*)"', page))
        asked |= {f"q-{lines[int(n)].pk}": q for n, q in given.items()}
        return self.at(someone).post("/quotes/push/", asked | {"id": quote.pk})


def words(answer) -> str:
    return re.sub("<[^>]+>|\\s+", " ", answer.content.decode())


def again(quote) -> Quote:
    return Quote.objects.get(pk=quote.pk)
