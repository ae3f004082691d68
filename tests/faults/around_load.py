"""What comes before orders and after them: quotes in versions that are pushed down in parts, changes of orders under
way, returns from the request to the money. Several work on the same orders and quotes as everybody else."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from tests.faults.load import Worker

# Of 100 yuan: two who may agree to it themselves, one that a manager is asked for.
PRICES = ("100", "100", "93")
CONSENT = {"means": "contract", "proof": "KJ-2026-018"}
COMES_BACK = ("refund", "exchange", "repair")  # the other kinds are only paid
LEAST = 2  # lines of an order: as many as a delivery has


def exact(number):
    """The same text for the same number."""
    return f"{Decimal(number).normalize():f}"


def told(lines):
    """line -> (product, quantity, price), as the API gives lines."""
    return {x["id"]: (x["product"] and x["product"]["id"], exact(x["quantity"]), exact(x["price"])) for x in lines}


@dataclass
class Changed:
    """A change as the answers say it is: open, held, applied, refused, withdrawn; before, after: the order's lines."""

    order: int
    state: str
    before: list
    after: list


@dataclass(eq=False)
class Changer(Worker):
    """Takes changes down and brings each to its end."""

    changes: dict[int, Changed] = field(default_factory=dict)
    refused: int = 0

    def work(self):
        held = [number for number, known in self.changes.items() if known.state == "held"]
        if held and self.random.random() < 0.3:
            # Refused while it is being decided and once it is through; what was sent back goes in again.
            self.ask("POST", f"order-changes/{self.random.choice(held)}/apply", {}, refusable=True)
        elif (number := self.take_down()) is not None:
            self.bring_to_its_end(number)

    def take_down(self):
        found = self.ask("GET", "orders?f=state:in:approved,executing&limit=20")["items"]
        if not found:
            return None
        order = self.random.choice(found)["id"]
        given = self.wanted(told(self.ask("GET", f"orders/{order}")["lines"]))
        form = {"id": order, "said_by": "潘工", "reason": f"{self.name_} {self.done}", **given}
        number = self.fill_in("/changes/new/", form, refusable=True)
        if number is None:
            self.refused += 1  # nothing is different, or another change of this order is open
            return None
        # As long as it is open, nobody else changes the order.
        before = told(self.ask("GET", f"orders/{order}")["lines"])
        self.changes[number] = Changed(order, "open", list(before.values()), after(before, given))
        return number

    def wanted(self, lines):
        """What the form says: another quantity, another price, a line less or one more."""
        kinds = ["quantity", "price", "price", "more", "less" if len(lines) > LEAST else "quantity"]
        kind, line = self.random.choice(kinds), self.random.choice(list(lines))
        if kind == "price":
            return {f"price-{line}": self.random.choice(("99", "93", "93"))}
        if kind == "more":
            quantity = str(self.random.randint(1, 5))
            return {"new-item": "加急费", "new-unit": "次", "new-quantity": quantity, "new-price": "50"}
        return {f"quantity-{line}": "0" if kind == "less" else str(self.random.randint(1, 12))}

    def bring_to_its_end(self, number):
        known = self.changes[number]
        if self.random.random() < 0.1:
            self.close(number, "refuse", "refused")
            return
        self.ask("POST", f"order-changes/{number}/pass_on", {})
        self.ask("POST", f"order-changes/{number}/agree", CONSENT)
        answer = self.ask("POST", f"order-changes/{number}/apply", {}, refusable=True)
        if answer is None:
            self.refused += 1  # more is out already, no line would be left, or a promotion's budget is used up
            self.close(number, "withdraw", "withdrawn")
        else:
            known.state = "held" if "held" in answer else "applied"

    def close(self, number, verb, state):
        self.ask("POST", f"order-changes/{number}/{verb}", {"reason": "不改了"})
        self.changes[number].state = state


def after(before, given):
    """The lines once what was given holds."""
    lines = dict(before)
    for name, value in given.items():
        what, _, line = name.partition("-")
        if line.isdecimal() and int(line) in lines:
            product, quantity, price = lines.pop(int(line))
            quantity, price = (value, price) if what == "quantity" else (quantity, value)
            if value != "0":
                lines[int(line)] = (product, quantity, price)
    if "new-item" in given:
        lines[0] = (None, given["new-quantity"], given["new-price"])
    return list(lines.values())


@dataclass
class Ticket:
    """A return as the answers say it is; what came back by line of the order: asked, good, bad, accepted."""

    kind: str
    state: str
    lines: dict[int, list[str]]
    again: int | None = None


@dataclass(eq=False)
class Returner(Worker):
    """Takes down what customers give back, inspects what a manager has agreed to, and settles it."""

    tickets: dict[int, Ticket] = field(default_factory=dict)
    refused: int = 0

    def work(self):
        open_ = [number for number, known in self.tickets.items() if known.state in ("asked", "inspected")]
        if open_ and self.random.random() < 0.6:
            self.go_on(self.random.choice(open_))
        else:
            self.take_down()

    def take_down(self):
        found = self.ask("GET", "orders?f=state:in:executing&limit=20")["items"]
        if not found:
            return
        order, kind = self.random.choice(found)["id"], self.random.choice((*COMES_BACK, "refund", "money"))
        lines = [x["id"] for x in self.ask("GET", f"orders/{order}")["lines"] if x["product"]]
        some = self.random.sample(lines, min(len(lines), self.random.randint(1, 2)))
        goods = {line: self.random.randint(1, 3) for line in some}
        if not goods:
            return  # changes have left nothing of it but what is no product
        row = {"order": order, "kind": kind, "reason": "customer",
               "lines": [{"order_line": line, "quantity": str(n)} for line, n in goods.items()]}  # fmt: skip
        made = self.ask("POST", "return-tickets", row, refusable=True)
        if made is None:
            self.refused += 1  # more than went out and is not on its way back already
        else:
            self.tickets[made["id"]] = Ticket(kind, "asked", {x: [str(n), "0", "0", "0"] for x, n in goods.items()})

    def go_on(self, number):
        known = self.tickets[number]
        now = self.ask("GET", f"return-tickets/{number}")
        if now["state"] == "awaited":
            self.inspect(number, now["lines"])
        elif now["state"] == "inspected":
            answer = self.ask("POST", f"return-tickets/{number}/settle", {"invoice_way": "reduced"})
            known.state, known.again = "settled", (answer["sent_again"] or {}).get("id")
        elif self.random.random() < 0.5:
            # Refused while it is being decided; what was sent back goes in again or is given up.
            self.ask("POST", f"return-tickets/{number}/approve", {}, refusable=True)
        elif self.ask("POST", f"return-tickets/{number}/withdraw", {"reason": "不退了"}, refusable=True) is not None:
            known.state = "withdrawn"

    def inspect(self, number, lines):
        """All of it came back, good or bad; what is bad is accepted or not."""
        form, known = {"id": number}, self.tickets[number]
        for line in lines:
            asked = known.lines[line["order_line"]]
            good = self.random.randint(0, int(asked[0]))
            bad = int(asked[0]) - good
            accepted = good + self.random.randint(0, bad)
            given = {"good": good, "bad": bad, "accepted": accepted}
            form |= {f"{name}-{line['id']}": str(n) for name, n in given.items()}
            asked[1:] = [str(n) for n in given.values()]
        self.fill_in("/returns/inspect/", form)
        known.state = "inspected"


@dataclass(eq=False)
class Quoter(Worker):
    """Makes quotes and pushes down what customers accepted, also what a colleague made. accepted: shared, quote -> its
    lines; pushed: line -> how much; rest: quotes of which once all that remained went; asked_for: handed in for
    consent."""

    customers: list[int] = field(default_factory=list)
    products: list[int] = field(default_factory=list)
    accepted: dict[int, list[int]] = field(default_factory=dict)
    quotes: dict[int, str] = field(default_factory=dict)
    pushed: Counter = field(default_factory=Counter)
    orders: Counter = field(default_factory=Counter)
    rest: set[int] = field(default_factory=set)
    asked_for: set[int] = field(default_factory=set)
    refused: int = 0

    def work(self):
        held = [number for number, state in self.quotes.items() if state == "held"]
        chance = self.random.random()
        if held and chance < 0.2:
            self.look_after(self.random.choice(held))
        elif self.accepted and chance < 0.65:
            self.push(self.random.choice(list(self.accepted)))
        else:
            self.make()

    def make(self):
        lines = [
            {"product": p, "quantity": str(self.random.randint(3, 12)), "price": self.random.choice(PRICES)}
            for p in self.random.sample(self.products, 2)
        ]
        row = {"customer": self.random.choice(self.customers), "order_discount": "0.05", "lines": lines,
               "valid_until": str(date.today() + timedelta(days=30))}  # fmt: skip
        number = self.ask("POST", "quotes", row)["id"]
        self.quotes[number] = "draft"
        if not self.send_off(number):
            return
        if self.random.random() < 0.3:
            number = self.renew(number)
        if self.random.random() < 0.2:
            self.ask("POST", f"quotes/{number}/refuse", {"reason": "别家中标"})
            self.quotes[number] = "refused"
        else:
            self.accept(number)

    def send_off(self, number):
        """Whether the customer has it; else somebody is asked for his consent."""
        answer = self.ask("POST", f"quotes/{number}/send", {})
        self.quotes[number] = "held" if "held" in answer else "sent"
        self.asked_for |= {number} if "held" in answer else set()
        return self.quotes[number] == "sent"

    def accept(self, number, **how):
        answer = self.ask("POST", f"quotes/{number}/accept", {"how": "call", "proof": "潘工来电"}, **how)
        if answer is not None:
            self.quotes[number] = "accepted"
            self.accepted[number] = [line["id"] for line in answer["lines"]]

    def renew(self, number):
        """The next version, of another quantity, in the customer's hands."""
        known = self.ask("POST", f"quotes/{number}/renew", {})["number"]
        (found,) = self.ask("GET", f"quotes?f=number:is:{known}-V2")["items"]
        new = found["id"]
        line = self.ask("GET", f"quotes/{new}")["lines"][0]["id"]
        change = {"lines": [{"id": line, "quantity": str(self.random.randint(3, 12))}]}
        self.ask("PATCH", f"quotes/{new}", change)
        assert self.send_off(new), "its prices are those of the version that was sent"
        self.quotes[number] = "replaced"
        return new

    def look_after(self, number):
        """Of one that is held: refused while it is being decided; accepted once it is through, else handed in again."""
        if self.random.random() < 0.5:
            self.accept(number, refusable=True)
        else:
            self.ask("POST", f"quotes/{number}/send", {}, refusable=True)

    def push(self, number):
        """Some of it, or all that remains: sometimes more than that, or nothing is left."""
        goods, whole = {}, self.random.random() < 0.2
        if not whole:
            some = self.random.sample(self.accepted[number], self.random.randint(1, 2))
            goods = {line: self.random.randint(1, 5) for line in some}
        rows = [{"quote_line": line, "quantity": str(n)} for line, n in goods.items()]
        body = {"lines": rows} if rows else {}
        if self.ask("POST", f"quotes/{number}/push_down", body, refusable=True) is None:
            self.refused += 1
            return
        self.orders[number] += 1
        self.pushed.update(goods)
        self.rest |= {number} if whole else set()


@dataclass
class Around:
    """All of them."""

    changers: list[Changer]
    returners: list[Returner]
    quoters: list[Quoter]

    @classmethod
    def of(cls, known, **common):
        """From what orders_inside.people gave: two of each."""
        goods = {"customers": known["customers"], "products": known["products"], "accepted": {}}
        clerk = {"token": known["clerk"], "cookie": known["clerk_cookie"], **common}
        store = {"token": known["shipper"], "cookie": known["shipper_cookie"], **common}
        return cls(
            [Changer(f"changer{n}", **clerk) for n in range(2)],
            [Returner(f"returner{n}", **store) for n in range(2)],
            [Quoter(f"quoter{n}", **goods, **clerk) for n in range(2)],
        )

    @property
    def everybody(self):
        return [*self.changers, *self.returners, *self.quoters]

    @property
    def changes(self):
        return {number: known for one in self.changers for number, known in one.changes.items()}

    @property
    def tickets(self):
        return {number: known for one in self.returners for number, known in one.tickets.items()}

    @property
    def quotes(self):
        return {number: state for one in self.quoters for number, state in one.quotes.items()}

    @property
    def held(self):
        """model -> what was handed in for consent."""
        return {
            "changes.change": {n for n, known in self.changes.items() if known.state == "held"},
            "returns.ticket": set(self.tickets),
            "quotes.quote": {number for one in self.quoters for number in one.asked_for},
        }

    @property
    def counts(self):
        changed = Counter(f"change {known.state}" for known in self.changes.values())
        came = Counter(f"return {known.state}" for known in self.tickets.values())
        offered = Counter(f"quote {state}" for state in self.quotes.values())
        return {
            **changed, **came, **offered, "quotes asked for": len(self.held["quotes.quote"]),
            "pushed": sum(sum(one.orders.values()) for one in self.quoters),
            "not changed": sum(one.refused for one in self.changers),
            "not returned": sum(one.refused for one in self.returners),
            "not pushed": sum(one.refused for one in self.quoters),
        }  # fmt: skip

    WANTED = (
        "change applied", "not changed", "return settled", "not returned", "quote accepted",
        "quotes asked for", "quote replaced", "pushed", "not pushed",
    )  # fmt: skip

    def matches(self, found, lines, through):
        """What was acknowledged is there, exactly and once. lines: order -> as it was entered; through: model ->
        records whose consent was given."""
        self.match_changes(found, lines, through["changes.change"])
        self.match_tickets(found, through["returns.ticket"])
        self.match_quotes(found, through["quotes.quote"])

    def match_changes(self, found, lines, through):
        known, there = self.changes, {int(n): row for n, row in found["changes"].items()}
        assert set(there) == set(known)
        states = {"open": "with_rep", "held": "assessing"}
        for number, row in there.items():
            state = states.get(known[number].state, known[number].state)
            assert row["state"] == ("applied" if number in through else state), (number, row, known[number])
        done = sorted((row["order"], row["base"], n) for n, row in there.items() if row["state"] == "applied")
        for order, before in lines.items():
            mine = [(base, n) for o, base, n in done if o == order]
            assert [base for base, _ in mine] == list(range(1, len(mine) + 1)), (order, mine)
            for _, number in mine:
                assert Counter(known[number].before) == Counter(before), (order, number)
                before = known[number].after
            now = [(product, exact(quantity), exact(price)) for product, quantity, price in found["lines"][str(order)]]
            assert Counter(now) == Counter(before), order

    def match_tickets(self, found, through):
        known, there = self.tickets, {int(n): row for n, row in found["tickets"].items()}
        assert set(there) == set(known)
        for number, row in there.items():
            one, state = known[number], known[number].state
            if state == "asked" and number in through:
                state = "awaited" if one.kind in COMES_BACK else "inspected"
            assert (row["state"], row["again"]) == (state, one.again), (number, row, one)
            got = {int(line): [exact(n) for n in numbers] for line, numbers in row["lines"].items()}
            if one.kind not in COMES_BACK and state in ("inspected", "settled"):
                one.lines = {line: [n, "0", "0", n] for line, (n, *_) in one.lines.items()}
            assert got == one.lines, (number, row, one)
        assert set(found["again"]) == {one.again for one in known.values() if one.again}

    def match_quotes(self, found, through):
        known, there = self.quotes, {int(n): row for n, row in found["quotes"].items()}
        assert set(there) == set(known)
        pushed = sum((one.pushed for one in self.quoters), Counter())
        orders = sum((one.orders for one in self.quoters), Counter())
        whole = set().union(*(one.rest for one in self.quoters))
        for number, row in there.items():
            state = known[number]
            if state == "held":
                state = "sent" if number in through else "draft"
            assert (row["state"], row["orders"]) == (state, orders[number]), (number, row, known[number])
            for line, (quantity, taken) in row["lines"].items():
                assert Decimal(taken) == (Decimal(quantity) if number in whole else pushed[int(line)]), (number, line)
