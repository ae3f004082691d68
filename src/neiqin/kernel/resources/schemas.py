"""OpenAPI schemas of resources, from their fields; and records as JSON."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import wraps
from typing import Annotated, Any, ParamSpec

from django.utils.functional import SimpleLazyObject
from ninja import Schema
from ninja.openapi.schema import REF_TEMPLATE
from ninja.schema import NinjaGenerateJsonSchema
from pydantic import Field as PydanticField
from pydantic import create_model
from pydantic.json_schema import models_json_schema

from neiqin.kernel.fields.field import REFERENCE_KINDS, Field
from neiqin.kernel.fields.shape import Shape, model_of
from neiqin.kernel.resources import masks
from neiqin.kernel.resources.resource import Resource

P = ParamSpec("P")
NOT_FOUND = {"message": "找不到，或不在你能看到的范围内。", "problems": []}
ERRORS = (400, 403, 404, 409, 422, 503)
FILTERS = {
    "parameters": [
        {
            "in": "query",
            "name": "f",
            "required": False,
            "explode": True,
            "description": "字段:比较:值，可重复，如 level:in:key",
            "schema": {"type": "array", "items": {"type": "string", "maxLength": 200}, "maxItems": 20},
        },
    ]
}


class Error(Schema):
    """What went wrong, for people; and field by field."""

    message: str
    problems: list[Any]


class Unauthorized(Schema):
    detail: str


class Held(Schema):
    held: int


class TimelineItem(Schema):
    at: str
    who: str
    text: str
    changes: list[dict[str, str]]


class Timeline(Schema):
    items: list[TimelineItem]


class Preview(Schema):
    changes: list[dict[str, Any]]
    refused: list[str]


class Refused(Schema):
    id: int
    message: str
    code: str
    field: str


class Many(Schema):
    run: int | None
    done: list[int]
    refused: list[Refused]
    held: int | None


class Reference(Schema):
    id: int
    name: str


def _when_described(make: Callable[P, dict[Any, Any]]) -> Callable[P, dict[Any, Any]]:
    """What is asked for when the description is made, and not at each start: a second of four."""

    @wraps(make)
    def later(*args: P.args, **kwargs: P.kwargs) -> dict[Any, Any]:
        return SimpleLazyObject(lambda: make(*args, **kwargs))  # type: ignore[return-value]

    return later


def _errors() -> dict[int, Any]:
    return dict.fromkeys(ERRORS, Error) | {401: Unauthorized}


@_when_described
def responses(resource: Resource) -> dict[int, Any]:
    """The answers of endpoints that give one record."""
    return {200: record_model(resource), 201: record_model(resource), 202: Held, 304: None} | _errors()


@_when_described
def page_responses(resource: Resource) -> dict[int, Any]:
    members: dict[str, Any] = {"items": (list[record_model(resource)], ...)}  # type: ignore[misc]
    members |= {"next": (str | None, None), "count": (int, ...), "more": (bool, ...)}
    page = create_model(f"{resource.model.__name__}Page", __base__=Schema, **members)
    return {200: page} | _errors()


class FoundItem(Schema):
    id: int
    label: str
    meta: str


class FoundGroup(Schema):
    """What the words find of one kind, newest first; total: null for a great many."""

    kind: str
    label: str
    total: int | None
    items: list[FoundItem]


class FoundAll(Schema):
    groups: list[FoundGroup]


def search_responses() -> dict[int, Any]:
    return {200: FoundAll} | _errors()


def timeline_responses() -> dict[int, Any]:
    return {200: Timeline} | _errors()


def preview_responses() -> dict[int, Any]:
    return {200: Preview} | _errors()


def many_responses() -> dict[int, Any]:
    return {200: Many} | _errors()


def described(models: Iterable[Any]) -> tuple[dict[Any, Any], dict[str, Any]]:
    """How the description refers to each of these models, and its definitions of them all."""
    wanted = [(model, "serialization") for model in dict.fromkeys(models)]
    refs, found = models_json_schema(wanted, ref_template=REF_TEMPLATE, schema_generator=NinjaGenerateJsonSchema)  # type: ignore[arg-type]
    return {model: ref for (model, _), ref in refs.items()}, found["$defs"]


_models: dict[str, Any] = {}


def record_model(resource: Resource) -> Any:
    """The schema of a record: every field optional, since rights and masks differ by person."""
    if resource.key not in _models:
        members: dict[str, Any] = {"id": (int, ...), "version": (int | None, None)}
        members |= {f.name: _out(f) for f in resource.fields}
        members |= {lines.name: (list[dict[str, Any]] | None, None) for lines in resource.shape.lines}
        _models[resource.key] = create_model(resource.model.__name__, __base__=Schema, **members)
    return _models[resource.key]


def _out(field: Field) -> Any:
    kind: Any = Reference if field.kind in REFERENCE_KINDS else {"number": int, "bool": bool}.get(field.kind, str)
    return (Annotated[kind | None, PydanticField(title=field.label)], None)


@_when_described
def body(shape: Shape, *, partial: bool = False) -> dict[str, Any]:
    """openapi_extra for a request body of this shape."""
    return _request(_inlined(model_of(shape, partial=partial).model_json_schema()))


@_when_described
def many_body(shape: Shape) -> dict[str, Any]:
    """openapi_extra for ids and parameters."""
    ids = {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}, "maxItems": 10_000}
    params = _inlined(model_of(shape).model_json_schema())
    return _request(
        {
            "type": "object",
            "required": ["ids"],
            "properties": {"ids": ids, "params": params},
            "additionalProperties": False,
        }
    )


def _request(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "parameters": [
            {
                "in": "header",
                "name": "Idempotency-Key",
                "required": False,
                "schema": {"type": "string", "minLength": 1, "maxLength": 80, "pattern": "^[A-Za-z0-9_.-]+$"},
                "description": "同一个号只办一次，再发得到同样的答复",
            },
            {
                "in": "header",
                "name": "If-Match",
                "required": False,
                "schema": {"type": "string", "pattern": '^"[0-9]{1,9}"$'},
                "description": "看到的 ETag；别人改过同一处就回 409",
            },
        ],
    }


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its few definitions put in place."""
    definitions = schema.pop("$defs", {})

    def walk(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                return walk(definitions[node["$ref"].rsplit("/", 1)[-1]])
            return {k: walk(v) for k, v in node.items()}
        return [walk(v) for v in node] if isinstance(node, list) else node

    return walk(schema)


def rows_as_json(records: Any, fields: Sequence[Field], ids: Sequence[int]) -> list[dict[str, Any]]:
    """Those of `records` (manager or queryset) with these ids, in order: one query, references as {id, name}."""
    rows = list(records.filter(pk__in=ids).values_list("pk", "version", *masks.paths(fields)))
    found = {}
    shown = dict(zip((r[0] for r in rows), masks.shown_all(records.model, fields, [r[2:] for r in rows]), strict=True))
    for pk, version, *values in rows:
        found[pk] = {"id": pk, "version": version} | _cells(fields, values, shown[pk])
    return [found[i] for i in ids if i in found]


def lines_as_json(lines: Any, fields: Sequence[Field]) -> list[dict[str, Any]]:
    """The lines of a record (a queryset), in order, without what is personal of them: one query, references as {id,
    name}."""
    plain = [f for f in fields if not f.personal]
    rows = lines.values_list("pk", *masks.paths(plain))
    return [{"id": pk} | _cells(plain, values, [None] * len(plain)) for pk, *values in rows]


def _cells(fields: Sequence[Field], values: Iterable[Any], shown: Sequence[Any]) -> dict[str, Any]:
    """values: as they were read by the paths of the fields; shown: what personal ones show."""
    cells, left = dict[str, Any](), iter(values)
    for field, cell in zip(fields, shown, strict=True):
        value = next(left)
        if field.kind in REFERENCE_KINDS:
            name = next(left)
            cells[field.name] = None if value is None else {"id": value, "name": name or ""}
        elif field.personal:
            next(left)
            cells[field.name] = cell
        else:
            cells[field.name] = as_json(value)
    return cells


def as_json(value: Any) -> Any:
    """Decimals as text, moments and dates in ISO 8601."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, (datetime, date)) else value
