"""Which product an item of a message is: what the customer called so before, codes and numbers, the whole name, what
was bought before, and what the search index finds. Only the first ones are certain; all else is a guess and is marked.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from neiqin.kernel.search import hits, text
from neiqin.modules.catalog.models import ON_SALE, CustomerItem, Product, products_by_key
from neiqin.modules.customers.models import Customer
from neiqin.modules.intake.models import Word
from neiqin.modules.intake.reading import Item
from neiqin.modules.orders.models import OrderLine
from neiqin.modules.orders.states import IN_FORCE

KIND = "catalog.product"
BOUGHT = 300  # products of a customer's past that are compared
CANDIDATES, PER_WORD = 30, 20
SHOWN = 4
LIKELY = 0.5  # share of what was written that a guess must have
MISSED = 0.6  # what is left of the score where a number that was written is not found
_BETWEEN = re.compile(r"(?<=\d)\s*[xX×*＊✕\-—]\s*(?=\d)")
_RUN = re.compile(r"[a-z0-9]+|[\u4e00-\u9fff]+")
_FILLER = re.compile(r"的|那种|这种|型号|规格|型(?=\d)|一[桶箱盒袋](?=\b)")
LEARNED, CODE, NAME, PAST, ALIKE = "以前这样叫过", "货号、条码或客户料号", "全名", "买过，名字像", "名字像"


@dataclass
class Match:
    """What an item may be. how: by what it was found; sure: nobody has to look; others: further candidates."""

    item: Item
    product: Product | None = None
    how: str = ""
    sure: bool = False
    others: list[Product] = field(default_factory=list)


@dataclass(frozen=True)
class _Known:
    """A product as it is compared."""

    product: Product
    lines: tuple[str, ...]

    @property
    def all(self) -> str:
        return "\n".join(self.lines)

    def sounds_like(self, run: str) -> bool:
        """Letters that are its name in pinyin, or the beginnings of it."""
        return text.asked(run).matches(text.entry((self.product.name, self.product.spec)))


def key(words: str) -> str:
    """What words are compared by: without spaces and signs, a size the same whichever sign is in it."""
    return text.flat(_BETWEEN.sub("×", words))[:120]


def match(items: Sequence[Item], customer: Customer | None) -> list[Match]:
    """A match for each item, in order. A handful of statements, however many items there are."""
    made = [Match(item) for item in items]
    _exact(made, customer.pk if customer else None)
    past = _past(customer)
    open_ = [m for m in made if m.product is None]
    near = _near(open_)
    for one in open_:
        _judge(
            one, {k.product.pk: k for k in (*past, *near.get(key(one.item.words), ()))}, {k.product.pk for k in past}
        )
    return made


def certain(pairs: Iterable[tuple[str, Product]], customer: int | None) -> list[bool]:
    """For (what the customer wrote, product): is it so beyond doubt?"""
    pairs = list(pairs)
    exact = _exactly({words for words, _ in pairs}, customer)
    return [exact.get(words, (None, ""))[0] == product.pk or key(words) in _whole(product) for words, product in pairs]


def _whole(product: Product) -> set[str]:
    return {key(product.code), key(f"{product.name}{product.spec}"), key(f"{product.spec}{product.name}")}


def _exact(made: Sequence[Match], customer: int | None) -> None:
    found = _exactly({m.item.words for m in made}, customer)
    products = Product.objects.filter(state=ON_SALE).in_bulk({pk for pk, _ in found.values()})
    for one in made:
        pk, how = found.get(one.item.words, (0, ""))
        if pk in products:
            one.product, one.how, one.sure = products[pk], how, True


def _exactly(words: set[str], customer: int | None) -> dict[str, tuple[int, str]]:
    """Words -> (product, how), of what is certain."""
    tokens = {w: [t for t in {w, w.upper(), *re.split(r"[\s,，:：]+", w), w.replace(" ", "").upper()} if len(t) > 2]
              for w in words}  # fmt: skip
    by_key = products_by_key({t for ts in tokens.values() for t in (*ts, *map(str.upper, ts))}, customer)
    found: dict[str, tuple[int, str]] = {}
    for word, parts in tokens.items():
        if len(ids := {pk for t in parts for k in (t, t.upper()) if (pk := by_key.get(k))}) == 1:
            found[word] = (ids.pop(), CODE)
    names = Product.objects.filter(name__in=words - found.keys(), state=ON_SALE).values_list("name", "pk")
    same: dict[str, list[int]] = {}
    for name, pk in names:
        same.setdefault(name, []).append(pk)
    found |= {name: (ids[0], NAME) for name, ids in same.items() if len(ids) == 1}
    if customer is None:
        return found
    own = CustomerItem.objects.filter(customer_id=customer, item_name__in=words).values_list("item_name", "product_id")
    found |= {name: (pk, CODE) for name, pk in own}
    keys = {key(w): w for w in words}
    learned = Word.objects.filter(customer_id=customer, key__in=keys).values_list("key", "product_id")
    return found | {keys[k]: (pk, LEARNED) for k, pk in learned}


def _past(customer: Customer | None) -> list[_Known]:
    """What this customer bought, the newest first."""
    if customer is None:
        return []
    sold = OrderLine.objects.filter(order__customer=customer, order__state__in=IN_FORCE, product__isnull=False)
    newest = sold.order_by("-order__doc_date", "-pk").values_list("product_id", flat=True)[: BOUGHT * 4]
    ids = list(dict.fromkeys(newest))[:BOUGHT]
    return _known(ids)


def _known(ids: Iterable[int]) -> list[_Known]:
    found = Product.objects.filter(pk__in=list(ids), state=ON_SALE)
    return [_Known(p, tuple(map(key, (p.name, p.spec, p.code, p.barcode, *p.spec.split())))) for p in found]


def _near(open_: Sequence[Match]) -> Mapping[str, list[_Known]]:
    """By key of the words, products that have all of them; where none has, those that have one of them."""
    words = {key(m.item.words): _cut(m.item.words) for m in open_}
    found = _asked({k: [" ".join(runs)] for k, runs in words.items() if runs}, CANDIDATES)
    left = {k: _single(runs) for k, runs in words.items() if not found.get(k)}
    found |= _asked(left, PER_WORD)
    known = {k.product.pk: k for k in _known({pk for ids in found.values() for pk in ids})}
    return {k: [known[pk] for pk in ids if pk in known] for k, ids in found.items()}


def _cut(words: str) -> list[str]:
    """Runs of letters and digits, and of characters."""
    plain = _FILLER.sub(" ", _BETWEEN.sub("×", words))
    return [run for part in plain.split() for run in _RUN.findall(text.flat(part))]


def _single(runs: Sequence[str]) -> list[str]:
    found: list[str] = []
    for run in runs:
        if run.isascii():
            found.append(run)
        else:
            found += [run[n : n + 2] for n in range(max(1, len(run) - 1))]
    return [one for one in dict.fromkeys(found) if len(one) > 1][:8]


def _asked(queries: Mapping[str, Sequence[str]], most: int) -> dict[str, list[int]]:
    """Key -> ids that one of its queries finds. One statement."""
    parts: list[str] = []
    values: list[Any] = []
    for name, texts in queries.items():
        for one in texts:
            sql, params = hits.all_hits(KIND, text.asked(one), None)
            parts.append(f"(SELECT %s::text, record_id FROM ({sql} LIMIT {most}) AS h)")
            values += [name, *params]
    found: dict[str, list[int]] = {}
    if parts:
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(parts), values)
            for name, record in cursor.fetchall():
                found.setdefault(name, []).append(record)
    return found


def _judge(one: Match, candidates: Mapping[int, _Known], past: set[int]) -> None:
    """Choose the likeliest, if it is likely at all."""
    runs = _cut(one.item.words)
    whole = key(one.item.words)
    same = [k for k in candidates.values() if whole in _whole(k.product)]
    if len(same) == 1:
        one.product, one.how, one.sure = same[0].product, NAME, True
        return
    scored = []
    for known in candidates.values():
        score = _score(runs, known)
        if score >= LIKELY:
            bought = known.product.pk in past
            unit = bool(one.item.unit) and one.item.unit == known.product.unit_name
            scored.append((round(score + 0.15 * bought + 0.05 * unit, 4), _covered(runs, known), bought, known.product))
    scored.sort(key=lambda s: (-s[0], -s[1], s[3].code))
    if scored:
        one.product, one.how = scored[0][3], PAST if scored[0][2] else ALIKE
        one.others = [s[3] for s in scored[1 : SHOWN + 1]]


def _score(runs: Sequence[str], known: _Known) -> float:
    """0 to 1: how much of what was written the product has."""
    have = total = 0.0
    missed = False
    for run in runs:
        if run.isascii():
            weight = 3.0 + len(run)
            found = _latin(run, known.lines) or (0.9 if run.isalpha() and known.sounds_like(run) else 0.0)
            missed = missed or (not found and any(c.isdigit() for c in run))
        else:
            weight = 1.5 * len(run)
            pairs = [run[n : n + 2] for n in range(max(1, len(run) - 1))]
            found = sum(p in known.all for p in pairs) / len(pairs)
        have += weight * found
        total += weight
    return (have / total if total else 0.0) * (MISSED if missed else 1)


def _latin(run: str, lines: Iterable[str]) -> float:
    """1 where it stands by itself, less inside a longer number; letters may have been left out before a number."""
    best = 0.0
    for line in lines:
        at = line.find(run)
        while at >= 0:
            before, after = line[at - 1 : at] if at else "", line[at + len(run) : at + len(run) + 1]
            longer = (before.isdigit() and run[0].isdigit()) or (after.isdigit() and run[-1].isdigit())
            best = max(best, 0.7 if longer else 1.0)
            at = line.find(run, at + 1)
    return best


def _covered(runs: Sequence[str], known: _Known) -> float:
    """How much of the product's own name and size was written."""
    own = known.lines[0] + known.lines[1]
    return sum(len(r) for r in runs if r in own) / max(1, len(own))
