"""The order desk at work through the API: clerks who enter, check and hand in orders, approvers, and who ships; beside
them those of `around_load`."""

from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.faults.around_load import LEAST, Around, told
from tests.faults.load import Worker

LINES = 3
# Of 100 yuan: nobody's but the clerk's decision, the manager's, the manager's and then the director's.
PRICES = ("100", "100", "93", "87")


@dataclass(eq=False)
class OrderClerk(Worker):
    """orders: what became of each as far as the answers say, draft, submitted, held or approved; lines: as entered."""

    customers: list[int] = field(default_factory=list)
    products: list[int] = field(default_factory=list)
    orders: dict[int, str] = field(default_factory=dict)
    lines: dict[int, list] = field(default_factory=dict)
    over_budget: int = 0

    def work(self):
        held = [number for number, state in self.orders.items() if state == "held"]
        if held and self.random.random() < 0.25:
            # Refused while it is being decided and once it is through; what was sent back goes in again.
            self.ask("POST", f"orders/{self.random.choice(held)}/approve", {}, refusable=True)
        else:
            self.enter()

    def enter(self):
        lines = [
            {"product": p, "quantity": str(self.random.randint(2, 9)), "price": "100"}
            for p in self.random.sample(self.products, LINES)
        ]
        lines[-1]["price"] = self.random.choice(PRICES)
        if lines[0]["product"] == self.products[0]:
            del lines[0]["price"]  # what the catalog says: the promotion's while there is budget
        row = {"customer": self.random.choice(self.customers), "source": "api", "consignee": "潘工",
               "address": "昆山市前进路1号", "order_discount": "0.05", "lines": lines}  # fmt: skip
        made = self.ask("POST", "orders", row)
        number = made["id"]
        self.orders[number], self.lines[number] = "draft", list(told(made["lines"]).values())
        self.ask("POST", f"orders/{number}/submit", {"checked": True})
        self.orders[number] = "submitted"
        self.ask("POST", f"orders/{number}/confirm", {"means": "contract", "proof": "KJ-2026-018"})
        answer = self.ask("POST", f"orders/{number}/approve", {}, refusable=True)
        if answer is None:
            self.over_budget += 1  # somebody else's order has used the rest meanwhile
        else:
            self.orders[number] = "held" if "held" in answer else "approved"


@dataclass(eq=False)
class Approver(Worker):
    """Decides what is open, often a moment after another has. decisions: (request, what) that counted."""

    decisions: list[tuple[int, str]] = field(default_factory=list)
    late: int = 0

    def work(self):
        found = self.ask("GET", "approvals?f=state:in:open&limit=20")["items"]
        if not found:
            return
        request = self.random.choice(found)["id"]
        verb, decided = ("refuse", "refused") if self.random.random() < 0.25 else ("agree", "agreed")
        if self.ask("POST", f"approvals/{request}/{verb}", {"opinion": self.name_}, refusable=True) is None:
            self.late += 1
        else:
            self.decisions.append((request, decided))


@dataclass(eq=False)
class Shipper(Worker):
    """Ships lines of what may go out, sometimes more than is left. shipped: order line -> what the answers say."""

    shipped: Counter = field(default_factory=Counter)
    refused: int = 0

    def work(self):
        found = self.ask("GET", "orders?f=state:in:approved,executing&limit=20")["items"]
        if not found:
            return
        order = self.random.choice(found)["id"]
        lines = self.ask("GET", f"orders/{order}")["lines"]
        if len(lines) < LEAST:
            return  # two changes have each taken one out
        goods = {line["id"]: self.random.randint(1, 5) for line in self.random.sample(lines, LEAST)}
        row = {"order": order, "lines": [{"order_line": line, "quantity": str(n)} for line, n in goods.items()]}
        if self.ask("POST", "deliveries", row, refusable=True) is None:
            self.refused += 1
        else:
            self.shipped.update(goods)


@dataclass
class OrderDesk:
    """Everybody at the order desk, by what they do."""

    clerks: list[OrderClerk]
    approvers: dict[int, Approver]
    shippers: list[Shipper]
    around: Around

    @classmethod
    def of(cls, known, **common):
        """From what orders_inside.people gave: two clerks, an approver for each person, two who ship, those around."""
        goods = {"customers": known["customers"], "products": known["products"]}
        return cls(
            [OrderClerk(f"desk{n}", token=known["clerk"], **goods, **common) for n in range(2)],
            {p: Approver(f"approver{p}", token=token, **common) for p, token in known["approvers"]},
            [Shipper(f"shipper{n}", token=known["shipper"], **common) for n in range(2)],
            Around.of(known, **common),
        )

    @property
    def everybody(self):
        return [*self.clerks, *self.approvers.values(), *self.shippers, *self.around.everybody]

    @contextmanager
    def at_work(self):
        """They work inside the block and are told to stop by the event that they share."""
        for one in self.everybody:
            one.start()
        try:
            yield self
        finally:
            for one in self.everybody:
                one.stop.set()
            for one in self.everybody:
                one.join(120)
        assert {one.name_: one.problems for one in self.everybody if one.problems} == {}
        assert not any(one.is_alive() for one in self.everybody)

    @property
    def counts(self):
        """How often what happened, as far as the answers say."""
        states = Counter(state for clerk in self.clerks for state in clerk.orders.values())
        decided = Counter(what for one in self.approvers.values() for _, what in one.decisions)
        return {
            **states, **decided, "late": sum(one.late for one in self.approvers.values()),
            "shipped": sum(map(len, (one.shipped for one in self.shippers))),
            "not shipped": sum(one.refused for one in self.shippers), **self.around.counts,
        }  # fmt: skip

    @property
    def under_way(self):
        """Whether there is work for everybody: from then on kills meet all of it."""
        found = self.counts
        return all(found.get(what) for what in ("shipped", "change applied", "return asked", "quote accepted"))

    @property
    def busy(self):
        """Whether enough of everything has happened that what is found afterwards says something."""
        found = self.counts
        wanted = ("approved", "held", "agreed", "refused", "late", "shipped", "not shipped", *Around.WANTED)
        return min(found.get(what, 0) for what in wanted) > 1

    def matches(self, found):
        """What was acknowledged is there, exactly and once, and nothing else."""
        known = {str(number): state for clerk in self.clerks for number, state in clerk.orders.items()}
        assert set(found["orders"]) == set(known)
        through = defaultdict(set)
        for one in found["requests"]:
            if one["state"] == "done":
                through[one["model"]].add(one["record"])
        for number, state in found["orders"].items():
            approved = known[number] == "approved" or int(number) in through["orders.order"]
            assert (state in ("approved", "executing")) == approved, (number, state, known[number])
            assert approved or state == "submitted", (number, state)
        self.match_requests(found)
        shipped = sum((one.shipped for one in self.shippers), Counter())
        assert found["shipped"] == {str(line): str(n) for line, n in shipped.items()}
        lines = {number: row for clerk in self.clerks for number, row in clerk.lines.items()}
        self.around.matches(found, lines, through)

    def match_requests(self, found):
        """Whatever was held has its request, and each decision that counted is there."""
        held = {"orders.order": {n for clerk in self.clerks for n, state in clerk.orders.items() if state == "held"}}
        asked = defaultdict(set)
        for one in found["requests"]:
            asked[one["model"]].add(one["record"])
        for model, records in (held | self.around.held).items():
            assert asked[model] == records, model
        decided = Counter((r, p, what) for p, one in self.approvers.items() for r, what in one.decisions)
        assert Counter(tuple(d) for d in found["decisions"]) == decided
