"""A loan slip on three-part continuous paper, marked until somebody is to bring the sample back."""

from decimal import Decimal
from pathlib import Path

from neiqin.kernel.printing.amounts import amount_in_words
from neiqin.kernel.printing.forms import Form


def slips(records, person):
    return [
        {
            "facts": [("样品", r.name), ("经手", person.name)],
            "head": ["样品", "数量"],
            "rows": [[r.name, f"{r.quantity or 0:f}"]],
            "words": amount_in_words(Decimal(r.quantity or 0)),
        }
        for r in records
    ]


LENT = Form(
    "stranger.lent",
    "借用单",
    Path(__file__).with_name("lent.typ"),
    slips,
    kind="stranger.sample",
    paper="241",
    mark=lambda record: "" if record.back_on else "未审批",
)
