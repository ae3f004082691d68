"""Field: one description of a piece of information, for lists, forms, filters, import, export, API and parameters."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.fields import formats

TEXT_KINDS = frozenset(
    {"text", "long", "code", "choice", "state", "phone", "mobile", "email", "uscc", "postcode", "account", "tax_no"}
)
REFERENCE_KINDS = frozenset({"person", "unit", "ref"})


@dataclass(frozen=True)
class Choice:
    """One value of a choice or state. `tone` and `part` are the ring of DESIGN.md section 5."""

    value: str
    label: str
    tone: str = "off"
    part: str = "0"


def label_of(choices: Iterable[Choice], value: Any) -> str:
    """What people read for a value; the value itself if it is none of them."""
    return next((c.label for c in choices if c.value == value), str(value))


def state_of(choices: Iterable[Choice], value: Any) -> tuple[str, str, str]:
    """Label, tone and ring of a state, as a cell of a table shows them."""
    choice = next(c for c in choices if c.value == value)
    return choice.label, choice.tone, choice.part


@dataclass(frozen=True)
class Field:
    """A field.

    name: the key in forms, API and imports; label: Chinese; kind: decides type, parser, operators and rendering;
    column: the ORM path it is read from (default: name); required: must not be empty;
    right: the permission without which the field does not exist for a person; personal: stored sealed, shown masked;
    mask: how it is masked; reveal: the permission that may reveal it; ref: key of the resource it points to;
    filter/form/list/edit: where it takes part; sortable: within the counting cap; pri: leaves narrow tables first.
    """

    name: str
    label: str
    kind: str = "text"
    column: str = ""
    required: bool = False
    choices: tuple[Choice, ...] = ()
    right: str = ""
    personal: bool = False
    mask: Callable[[str], str] | None = None
    ref: str = ""
    help: str = ""
    maxlength: int = 100
    min: Decimal | int | None = None
    max: Decimal | int | None = None
    span: int = 1
    filter: bool = False
    form: bool = True
    list: bool = False
    sortable: bool = False
    empty: str = ""  # what no reference is called, where that means something
    sort: str = ""  # the column it is sorted by, if another (a name by its pinyin)
    pri: int = 0
    width: int = 0
    role: str = ""  # which of the phone's two lines it takes: id, name, amt, st, who, due
    default: Any = None
    section: str = ""
    fold: bool = False  # of a line: shown on demand in the form, and on pages only where something is in it

    @property
    def path(self) -> str:
        return self.column or self.name

    @property
    def hidden(self) -> bool:
        """Whether a list leaves it out, because it would be dots: personal, and not a name that is shown whole."""
        return self.personal and self.mask is not formats.whole

    @property
    def numeric(self) -> bool:
        return self.kind in ("money", "quantity", "number", "percent")

    def but(self, **other: Any) -> "Field":
        """The same field with some attributes changed."""
        return replace(self, **other)

    def choice(self, value: str) -> Choice:
        """The choice with this value; an unknown value is shown as it stands."""
        return next((c for c in self.choices if c.value == value), Choice(value, value))

    @property
    def python_type(self) -> Any:
        return {
            "money": Decimal,
            "quantity": Decimal,
            "percent": Decimal,
            "number": int,
            "date": date,
            "moment": datetime,
            "bool": bool,
            "person": int,
            "unit": int,
            "ref": int,
        }.get(self.kind, str)

    def parse(self, raw: Any) -> Any:
        """Canonical value of what a person, a file or the API gave; empty is None, or "" for text kinds.

        Raises BadFormat with a Chinese sentence.
        """
        if raw is None or (isinstance(raw, str) and not raw.strip()):
            if self.required:
                raise formats.BadFormat(f"「{self.label}」没有填。")
            return False if self.kind == "bool" else "" if self.kind in TEXT_KINDS else None
        value = PARSERS[self.kind](self, raw)
        if self.min is not None and value < self.min:
            raise formats.BadFormat(f"「{self.label}」不能小于 {self.min}。")
        if self.max is not None and value > self.max:
            raise formats.BadFormat(f"「{self.label}」不能大于 {self.max}。")
        return value


def _choice(field: Field, raw: Any) -> str:
    text = formats.clean_text(str(raw), 200)
    for choice in field.choices:
        if text in (choice.value, choice.label):
            return choice.value
    allowed = "、".join(choice.label for choice in field.choices)
    raise formats.BadFormat(f"「{field.label}」里没有「{text}」，可选 {allowed}。")


def _bool(field: Field, raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    text = str(raw).strip().lower()
    if text in ("1", "true", "on", "yes", "是", "√", "y"):
        return True
    if text in ("0", "false", "off", "no", "否", "×", "n"):
        return False
    raise formats.BadFormat(f"「{field.label}」只能填 是 或 否，不能是「{text[:20]}」。")


def _moment(field: Field, raw: Any) -> datetime:
    """In UTC. A day alone is its midnight; without a time zone it is the company's wall clock, as people write it."""
    if not isinstance(raw, datetime):
        try:
            raw = datetime.fromisoformat(str(raw).strip().replace("/", "-"))
        except ValueError:
            raw = _day(field, raw)
    if not 1 < raw.year < 9999:  # at the ends of the calendar other zones are beyond it
        raise formats.BadFormat(f"「{field.label}」的年份 {raw.year} 不对，写成 2026-11-20 09:30。")
    return (raw if raw.tzinfo else raw.replace(tzinfo=clock.zone())).astimezone(UTC)


def _day(field: Field, raw: Any) -> datetime:
    try:
        return datetime.combine(formats.date_cn(str(raw)), time())
    except formats.BadFormat:
        raise formats.BadFormat(f"「{field.label}」不是时间，写成 2026-11-20 09:30。") from None


def _text(field: Field, raw: Any) -> str:
    if isinstance(raw, (dict, list, bool)):
        raise formats.BadFormat(f"「{field.label}」要填文字。")
    return formats.clean_text(str(raw), field.maxlength)


def _plain(field: Field, raw: Any, check: Callable[[str], Any]) -> Any:
    if isinstance(raw, (dict, list, bool)):
        raise formats.BadFormat(f"「{field.label}」的格式不对。")
    return check(str(raw))


def _formatted(check: Callable[[str], Any]) -> Callable[[Field, Any], Any]:
    return lambda field, raw: _plain(field, raw, check)


def _multiline(field: Field, raw: Any) -> str:
    if not isinstance(raw, str):
        return _text(field, raw)
    return formats.clean_text(raw, field.maxlength, multiline=True)


def _number(field: Field, raw: Any) -> int:
    """Within the column (integer), unless the field has limits of its own."""
    least, most = (-(2**31) if field.min is None else -(2**63)), (2**31 - 1 if field.max is None else 2**63 - 1)
    return int(_plain(field, raw, lambda text: formats.integer(text, least, most)))


def _reference(field: Field, raw: Any) -> int:
    number = _formatted(formats.integer)(field, raw)
    if number < 1:
        raise formats.BadFormat(f"「{field.label}」不存在，重新选。")
    return int(number)


PARSERS: dict[str, Callable[[Field, Any], Any]] = {
    "text": _text,
    "long": _multiline,
    "code": _text,
    "choice": _choice,
    "state": _choice,
    "bool": _bool,
    "moment": _moment,
    "date": lambda field, raw: raw if type(raw) is date else _formatted(formats.date_cn)(field, raw),
    "money": _formatted(formats.money),
    "quantity": _formatted(formats.quantity),
    "percent": _formatted(formats.quantity),
    "number": _number,
    "person": _reference,
    "unit": _reference,
    "ref": _reference,
    "phone": _formatted(formats.phone),
    "mobile": _formatted(formats.mobile),
    "email": _formatted(formats.email),
    "uscc": _formatted(formats.uscc),
    "postcode": _formatted(formats.postcode),
    "account": _formatted(formats.bank_account),
    "tax_no": _formatted(formats.tax_no),
}
