"""Shape: the fields and lines of a record as one pydantic model, which parameters, forms, imports and the API share."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, WithJsonSchema, create_model
from pydantic import Field as PydanticField

from neiqin.kernel.fields.field import REFERENCE_KINDS, Field
from neiqin.kernel.fields.formats import BadFormat


@dataclass(frozen=True)
class Problem:
    """What is wrong with one field of the input: `field` is its path, as in contacts-0-mobile."""

    field: str
    label: str
    message: str


class Invalid(Exception):
    """The input is wrong; nothing was done."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("；".join(p.message for p in self.problems))


@dataclass(frozen=True)
class Lines:
    """Rows that belong to a record. name: key in forms and API; model: a django model with a foreign key `fk`;
    right: the permission without which they do not exist for a person (a field with a right of its own keeps that);
    check: where a form asks about its lines while they are typed, which makes them a grid; told: the columns that the
    answer fills; paste: (part of an address, field) pairs, where a whole address may be pasted (formats/address.py)."""

    name: str
    label: str
    model: Any
    fk: str
    fields: tuple[Field, ...]
    min: int = 0
    add_label: str = "加一行"
    right: str = ""
    paste: tuple[tuple[str, str], ...] = ()
    check: str = ""
    told: tuple[Field, ...] = ()

    def __post_init__(self) -> None:
        if self.right:
            object.__setattr__(self, "fields", tuple(f if f.right else f.but(right=self.right) for f in self.fields))

    @property
    def entered(self) -> tuple[Field, ...]:
        """The fields a person fills in; the others are computed and only shown."""
        return tuple(f for f in self.fields if f.form)

    def seen_by(self, person: Any) -> "Lines | None":
        """These lines with the fields that exist for this person; None if there are none."""
        if not any(f.right for f in self.fields):
            return self
        seen = tuple(f for f in self.fields if person.may(f.right))
        return replace(self, fields=seen) if seen else None


@dataclass(frozen=True)
class Shape:
    """The fields a person fills in, and the lines."""

    fields: tuple[Field, ...]
    lines: tuple[Lines, ...] = ()

    def field(self, name: str) -> Field | None:
        return next((f for f in self.fields if f.name == name), None)

    # Kept on the shape: to look a model up by the shape's value, every field would be hashed at every call.
    @cached_property
    def whole(self) -> type[BaseModel]:
        return model_of(self)

    @cached_property
    def partial(self) -> type[BaseModel]:
        return model_of(self, partial=True)


def parse(shape: Shape, data: Mapping[str, Any], *, partial: bool = False) -> dict[str, Any]:
    """Canonical values of `data`: name -> value, line name -> list of rows.

    partial: only the given keys are checked (an edit). A line row may carry `id` (an existing line) and `delete`.
    Raises Invalid with every problem found, in Chinese.
    """
    try:
        parsed = (shape.partial if partial else shape.whole).model_validate(dict(data))
    except ValidationError as error:
        raise Invalid(_problem(shape, item) for item in error.errors(include_url=False)) from None
    values = parsed.model_dump(exclude_unset=partial)
    for lines in shape.lines:
        _complete(lines, values.get(lines.name) or ())
        if not partial and len([row for row in values[lines.name] if not row.get("delete")]) < lines.min:
            raise Invalid([Problem(lines.name, lines.label, f"「{lines.label}」至少要有 {lines.min} 行。")])
        if not partial:
            values[lines.name] = [row for row in values[lines.name] if not row.get("delete")]
    return values


def _complete(lines: Lines, rows: Iterable[Mapping[str, Any]]) -> None:
    """A new line needs its required fields also when the rest of the record is only being edited."""
    missing = [
        Problem(f"{lines.name}-{i}-{f.name}", f.label, f"「{lines.label}第 {i + 1} 行的{f.label}」没有填。")
        for i, row in enumerate(rows)
        for f in lines.fields
        if f.required and not row.get("id") and not row.get("delete") and row.get(f.name) in (None, "")
    ]
    if missing:
        raise Invalid(missing)


@cache
def model_of(shape: Shape, *, partial: bool = False) -> type[BaseModel]:
    """The pydantic model of a shape; `partial`: nothing is required, for edits."""
    members: dict[str, Any] = {f.name: _member(f, partial=partial) for f in shape.fields}
    for lines in shape.lines:
        row: Any = create_model(
            f"{lines.model.__name__}Row",
            __config__=ConfigDict(extra="forbid"),
            id=(Annotated[int | None, PydanticField(ge=1, le=2**63 - 1)], None),
            delete=(bool, False),
            **{f.name: _member(f, partial=True) for f in lines.entered},
        )
        members[lines.name] = (Annotated[list[row], PydanticField(max_length=2000)], [])
    name = "".join(word.title() for word in (shape.fields[0].name if shape.fields else "empty").split("_"))
    return create_model(f"{name}{'Changes' if partial else 'Values'}", __config__=ConfigDict(extra="forbid"), **members)


def _member(field: Field, *, partial: bool) -> Any:
    plain: Any = bool if field.kind == "bool" else field.python_type | None
    kind: Any = Annotated[plain, BeforeValidator(_parser(field)), WithJsonSchema(json_schema(field))]
    if field.required and not partial:
        return (kind, PydanticField(title=field.label))
    default = field.default
    if default is None:
        default = False if field.kind == "bool" else None if field.python_type is not str else ""
    return (kind, PydanticField(default, title=field.label))


def _parser(field: Field) -> Any:
    def parse_one(raw: Any) -> Any:
        return field.parse(raw)

    return parse_one


def json_schema(field: Field) -> dict[str, Any]:
    """The OpenAPI schema of a field's value as the API takes and gives it (money and quantities as strings)."""
    kind = {"number": "integer", "bool": "boolean"} | dict.fromkeys(REFERENCE_KINDS, "integer")
    schema: dict[str, Any] = {"title": field.label, "type": kind.get(field.kind, "string")}
    if field.kind == "choice":
        schema["enum"] = [c.value for c in field.choices] + ([] if field.required else [""])
    if schema["type"] == "integer":
        least, most = (1, 2**63 - 1) if field.kind in REFERENCE_KINDS else (-(2**31), 2**31 - 1)
        schema |= {
            "minimum": least if field.min is None else int(field.min),
            "maximum": most if field.max is None else int(field.max),
        }
    if field.kind in ("date", "moment"):
        schema["format"] = {"date": "date", "moment": "date-time"}[field.kind]
    if not field.required and (field.kind in ("date", "moment") or schema["type"] == "integer" or field.numeric):
        schema = {"title": field.label, "anyOf": [schema, {"type": "null"}]}
    return schema


SENTENCES = {
    "missing": "「{label}」没有填。",
    "extra_forbidden": "没有「{label}」这个字段，去掉它。",
    "list_type": "「{label}」要是一个列表。",
    "too_long": "「{label}」太多了，最多 2000 行。",
    "model_type": "「{label}」的每一行要是一个对象。",
    "model_attributes_type": "「{label}」的每一行要是一个对象。",
}


def _problem(shape: Shape, item: Any) -> Problem:
    location = item["loc"]
    label = _label(shape, location)
    cause = (item.get("ctx") or {}).get("error")
    if isinstance(cause, BadFormat):
        text = str(cause)
        message = text if text.startswith("「") else f"「{label}」{text}"
    else:
        message = SENTENCES.get(item["type"], "「{label}」的值不对。").format(label=label)
    return Problem("-".join(str(part) for part in location), label, message)


def _label(shape: Shape, location: tuple[Any, ...]) -> str:
    first = location[0] if location else ""
    if (field := shape.field(str(first))) is not None:
        return field.label
    for lines in shape.lines:
        if lines.name == first:
            inner = next((f.label for f in lines.fields if len(location) > 2 and f.name == location[2]), None)
            return f"{lines.label}第 {location[1] + 1} 行的{inner}" if inner else lines.label
    return str(location[-1]) if location else "内容"
