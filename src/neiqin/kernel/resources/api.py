"""The REST API: the same resources, fields, scope, masks and actions as the screens, as JSON under /api/v1/.

Bodies are read by the resource's own validator, so that an API caller gets the sentences a clerk gets. The session of
the browser works too, with its CSRF token.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from http.client import responses
from typing import Annotated, Any

import orjson
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from ninja import NinjaAPI, Path, Query, Router
from ninja.constants import NOT_SET
from ninja.errors import ValidationError
from ninja.security import HttpBearer
from ninja.utils import check_csrf

from neiqin.kernel.actions import history
from neiqin.kernel.actions.declare import Action
from neiqin.kernel.actions.perform import perform, preview
from neiqin.kernel.actions.refusals import KeyReused, NotAllowed, Outcome, Refusal, TooSlow
from neiqin.kernel.fields import formats
from neiqin.kernel.fields.shape import Invalid, Lines, Problem, Shape
from neiqin.kernel.resources import masks, reading, schemas, timeline
from neiqin.kernel.resources.listing import COUNT_CAP, BadQuery, Listing
from neiqin.kernel.resources.listing import Query as ListQuery
from neiqin.kernel.resources.pages.runs import visible_changes
from neiqin.kernel.resources.pages.screen import record_or_404
from neiqin.kernel.resources.pages.search import groups
from neiqin.kernel.resources.resource import Resource, seen_by, site

LARGEST = 2**63 - 1
RecordId = Annotated[int, Path(ge=1, le=LARGEST)]
MOST_IDS = 10_000


class Bearer(HttpBearer):
    """A token in the Authorization header, or the browser's session with its CSRF token."""

    def __call__(self, request: HttpRequest) -> Any:
        person = request.person  # type: ignore[attr-defined]
        if person.id is None or (not request.token_used and check_csrf(request) is not None):  # type: ignore[attr-defined]
            return None
        return person

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return None  # pragma: no cover - __call__ decides


class Failure(Exception):
    """An answer that is not the expected one."""

    def __init__(self, status: int, message: str, problems: Sequence[Any] = ()) -> None:
        self.status, self.body = status, {"message": message, "problems": list(problems)}
        super().__init__(message)


def answer(status: int, body: Any, **headers: str) -> HttpResponse:
    """A JSON response."""
    response = HttpResponse(orjson.dumps(body, default=str), content_type="application/json", status=status)
    for name, value in headers.items():
        response[name.replace("_", "-")] = value
    return response


# operation -> status -> the model of the answer, or None; and what else the document says of the operation
Answers = dict[str, tuple[Mapping[int, Any], Mapping[str, Any]]]


class Routes(Router):
    """The operations of one resource. The models of their answers and bodies are kept for the description only: ninja
    would make and describe each of them anew for every operation and status, nine seconds of work for three hundred
    actions, and at each start."""

    def __init__(self, answers: Answers) -> None:
        super().__init__()
        self.answers = answers

    def add_api_operation(  # type: ignore[override]
        self, *what: Any, operation_id: str, response: Any, openapi_extra: Any = None, **known: Any
    ) -> None:
        self.answers[operation_id] = response, {} if openapi_extra is None else openapi_extra
        super().add_api_operation(*what, operation_id=operation_id, response=NOT_SET, **known)


@cache
def description() -> bytes:
    """The OpenAPI document, as JSON."""
    answers: Answers = {}
    document = build(answers).get_openapi_schema(path_prefix="/api/v1/")
    refs, definitions = schemas.described(model for given, _ in answers.values() for model in given.values() if model)
    document.setdefault("components", {}).setdefault("schemas", {}).update(definitions)
    for operation in (o for path in document["paths"].values() for o in path.values()):
        given, more = answers[operation["operationId"]]
        parameters = [*operation.get("parameters", ()), *more.get("parameters", ())]
        operation |= {**more, **({"parameters": parameters} if parameters else {})}
        operation["responses"] = {
            status: operation["responses"].get(status, {})
            | {"description": responses[status]}
            | ({"content": {"application/json": {"schema": refs[model]}}} if model else {})
            for status, model in given.items()
        }
    return orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS)


def build(answers: Answers | None = None) -> NinjaAPI:
    """The API of the whole site; answers: takes what each operation answers."""
    answers = {} if answers is None else answers
    api = NinjaAPI(
        title="内勤 Neiqin",
        version="1",
        auth=Bearer(),
        docs_url=None,
        openapi_url=None,
        urls_namespace="api",
        description="同一套权限、范围、遮挡和动作。金额、数量是字符串，时间是 UTC。",
    )
    for resource in site().resources.values():
        api.add_router(f"/{resource.api_name}", _router(resource, answers), tags=[resource.label])
    everything = Routes(answers)
    api.add_router("", everything)

    @everything.get("/search", operation_id="search", summary="搜索", response=schemas.search_responses())
    def search(request: Any, q: Annotated[str, Query(max_length=60)] = "") -> Any:
        return answer(200, {"groups": [_group(found) for found in groups(request.person, _words(q))]})

    @api.exception_handler(Failure)
    def failed(request: HttpRequest, error: Failure) -> HttpResponse:
        return answer(error.status, error.body)

    @api.exception_handler(ValidationError)
    def malformed(request: HttpRequest, error: ValidationError) -> HttpResponse:
        in_path = any(e["loc"][0] == "path" for e in error.errors)
        return answer(404, schemas.NOT_FOUND) if in_path else answer(422, {"message": "参数不对。", "problems": []})

    @api.exception_handler(PermissionDenied)
    def denied(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
        return answer(403, {"message": str(error), "problems": []})

    @api.exception_handler(Http404)
    def missing(request: HttpRequest, error: Http404) -> HttpResponse:
        return answer(404, schemas.NOT_FOUND)

    return api


def _words(q: str) -> str:
    try:
        return formats.clean_text(q)
    except formats.BadFormat as problem:
        raise Failure(400, str(problem)) from None


def _group(found: Any) -> dict[str, Any]:
    items = [{"id": item.id, "label": item.label, "meta": item.meta} for item in found.items]
    return {"kind": found.resource.api_name, "label": found.resource.label, "total": found.total, "items": items}


def _router(resource: Resource, answers: Answers) -> Router:
    router, name = Routes(answers), resource.api_name
    known: dict[str, Any] = {"by_alias": True, "response": schemas.responses(resource)}

    @router.get(
        "",
        operation_id=f"list_{name}",
        summary=f"{resource.label}：列表",
        response=schemas.page_responses(resource),
        openapi_extra=schemas.FILTERS,
    )
    def list_records(
        request: Any, q: str = "", sort: str = "", after: str = "", limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> Any:
        return _list(request, resource, limit)

    @router.get("/{int:record_id}", operation_id=f"get_{name}", summary=f"{resource.label}：一条", **known)
    def get_record(request: Any, record_id: RecordId) -> Any:
        require(request, resource.view_permission)
        record = _opened(request, resource, record_id)
        if request.headers.get("If-None-Match") == _etag(record):
            return HttpResponse(status=304)
        reading.note(resource, request.person, record_id)
        return _record(request, resource, record_id)

    @router.get(
        "/{int:record_id}/timeline",
        operation_id=f"timeline_{name}",
        summary=f"{resource.label}：动态",
        response=schemas.timeline_responses(),
    )
    def get_timeline(request: Any, record_id: RecordId) -> Any:
        require(request, resource.view_permission)
        record = record_or_404(resource, request.person, record_id, log="api")
        items, _ = timeline.of(resource, record, request.person)
        return answer(
            200,
            {
                "items": [
                    {"at": i.at.isoformat(), "who": i.who, "text": i.text, "changes": [vars(c) for c in i.changes]}
                    for i in items
                ]
            },
        )

    _write_routes(router, resource)
    for action in resource.actions:
        _action_routes(router, resource, action)
    for module in site().modules:
        for name in module.api:
            import_string(name)(router, resource)
    return router


def _opened(request: Any, resource: Resource, record_id: int) -> Any:
    record = record_or_404(resource, request.person, record_id, log="api")
    if resource.opening and (refusal := resource.opening(record, request.person)):
        raise Failure(403, refusal)
    return record


def _write_routes(router: Router, resource: Resource) -> None:
    name = resource.api_name
    known: dict[str, Any] = {"by_alias": True, "response": schemas.responses(resource)}

    if resource.create is not None:
        create_route(router, resource, resource.create)

    if resource.edit is not None:
        changed = resource.edit

        @router.patch(
            "/{int:record_id}",
            operation_id=f"edit_{name}",
            summary=changed.label,
            openapi_extra=schemas.body(changed.shape, partial=True),
            **known,
        )
        def edit_record(request: Any, record_id: RecordId) -> Any:
            outcome = _perform_one(request, resource, changed, record_id, request.person)
            if outcome.held:
                return answer(202, {"held": outcome.held})
            _all_done(outcome)
            return _record(request, resource, record_id)


def create_route(router: Router, resource: Resource, made: Action) -> None:
    """POST of a new record: of every resource that people create, and of those that a module makes on its own page."""

    @router.post(
        "",
        operation_id=f"create_{resource.api_name}",
        summary=made.label,
        openapi_extra=schemas.body(made.shape),
        by_alias=True,
        response=schemas.responses(resource),
    )
    def create_record(request: Any) -> Any:
        outcome = _perform(request, made, rows=[_body(request, made.shape, request.person)])
        if outcome.held:
            return answer(202, {"held": outcome.held})
        _all_done(outcome)
        return _record(request, resource, outcome.done[0], status=200 if outcome.repeated else 201)


def _action_routes(router: Router, resource: Resource, action: Action) -> None:
    name = f"{resource.api_name}_{action.name}"

    @router.post(
        f"/{{int:record_id}}/{action.name}",
        operation_id=name,
        summary=action.label,
        response=schemas.responses(resource),
        openapi_extra=schemas.body(action.shape),
    )
    def act(request: Any, record_id: RecordId) -> Any:
        outcome = _perform_one(request, resource, action, record_id)
        if outcome.held:
            return answer(202, {"held": outcome.held})
        _all_done(outcome)
        return _record(request, resource, record_id)

    @router.post(
        f"/{{int:record_id}}/{action.name}/preview",
        operation_id=f"{name}_preview",
        summary=f"{action.label}：预览",
        response=schemas.preview_responses(),
        openapi_extra=schemas.body(action.shape),
    )
    def look_ahead(request: Any, record_id: RecordId) -> Any:
        require(request, action.may)
        record_or_404(resource, request.person, record_id, log="api")
        outcome = _guarded(lambda: preview(action, [record_id], by=request.person, params=_body(request, action.shape)))
        changes = [vars(c) for c in visible_changes(outcome, request.person)]
        return answer(200, {"changes": changes, "refused": [r.text for r in outcome.refused.values()]})

    if action.bulk:

        @router.post(
            f"/do/{action.name}",
            operation_id=f"{name}_many",
            summary=f"{action.label}：多条",
            response=schemas.many_responses(),
            openapi_extra=schemas.many_body(action.shape),
        )
        def act_on_many(request: Any) -> Any:
            require(request, action.may)
            given = _json(request)
            ids, params = given.pop("ids", None), given.pop("params", {})
            valid = (
                isinstance(ids, list) and len(ids) <= MOST_IDS and all(type(i) is int and 0 < i <= LARGEST for i in ids)
            )
            if not valid or not isinstance(params, dict) or given:
                raise Failure(422, f"ids 是 1 到 {MOST_IDS:,} 个编号的列表，params 是一个对象。")
            outcome = _perform(request, action, ids=ids, params=params)
            refused = [
                {"id": i, "message": r.text, "code": r.code, "field": r.field} for i, r in outcome.refused.items()
            ]
            return answer(200, {"run": outcome.run, "done": outcome.done, "refused": refused, "held": outcome.held})


def _list(request: Any, resource: Resource, limit: int) -> HttpResponse:
    require(request, resource.view_permission)
    fields = [f for f in resource.fields_for(request.person).values() if not f.hidden]
    try:
        query = ListQuery.read(request.GET)
        listing = Listing(
            resource, request.person, ListQuery(query.q, query.conditions, query.sort, query.after, size=limit)
        )
        page = listing.page(fields)
    except BadQuery as error:
        raise Failure(400, str(error)) from None
    count = listing.count()
    rows = schemas.rows_as_json(resource.model.objects, fields, page.ids)
    return answer(
        200, {"items": rows, "next": page.after or None, "count": min(count, COUNT_CAP), "more": count > COUNT_CAP}
    )


def _record(request: Any, resource: Resource, record_id: int, status: int = 200) -> HttpResponse:
    """The record as this person may see it, personal values masked; with its version as ETag."""
    model, person = resource.model, request.person
    fields = list(resource.fields_for(person).values())
    visible = model.objects.filter(model.visible_to(person))
    rows = schemas.rows_as_json(visible, [f for f in fields if not f.personal], [record_id])
    if not rows:  # the action has taken it out of the person's sight
        return answer(status, {"id": record_id})
    found = rows[0]
    if any(f.personal for f in fields):
        found |= masks.opened([visible.get(pk=record_id)], fields, full=False)[0]
    for lines in seen_by(person, resource.shape.lines):
        children = lines.model.objects.filter(**{lines.fk: record_id}).order_by("id")
        found[lines.name] = schemas.lines_as_json(children, lines.fields)
        if any(f.personal for f in lines.fields):
            opened = masks.opened(list(children), lines.fields, full=False)
            found[lines.name] = [plain | o for plain, o in zip(found[lines.name], opened, strict=True)]
    headers = {"ETag": f'"{found["version"]}"'}
    if status == 201:
        headers["Location"] = f"/api/v1/{resource.api_name}/{record_id}"
    return answer(status, found, **headers)


def _etag(record: Any) -> str:
    return f'"{record.version}"'


def _base(request: Any, record_id: int) -> dict[int, int] | None:
    """The version the caller saw, from If-Match."""
    text = request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')
    if not text or text == "*":
        return None
    if not text.isdecimal() or len(text) > 9:
        raise Failure(400, "If-Match 写上次得到的 ETag。")
    return {record_id: int(text)}


def require(request: Any, permission: str) -> None:
    """Raises Failure 403, and notes it, where the person has no such right."""
    if not request.person.may(permission):
        history.note("refused", by=request.person, source="api", params={"address": request.path[:200]})
        raise Failure(403, "没有这项权限。")


def _json(request: Any) -> dict[str, Any]:
    try:
        given = orjson.loads(request.body or b"{}")
    except orjson.JSONDecodeError:
        raise Failure(400, "内容不是 JSON。") from None
    if not isinstance(given, dict):
        raise Failure(422, "内容要是一个对象。")
    return given


def _body(request: Any, shape: Shape, person: Any = None) -> dict[str, Any]:
    """The given object. Fields the person may not touch are refused like unknown ones."""
    given = _json(request)
    if person is not None:
        hidden = [(f.name, f.label) for f in shape.fields if f.name in given and not person.may(f.right)]
        for lines in shape.lines:
            hidden += _hidden_cells(lines, given.get(lines.name), person)
        if hidden:
            problems = [asdict(Problem(name, label, f"「{label}」你没有权限改。")) for name, label in hidden]
            raise Failure(422, problems[0]["message"], problems)
    return given


def _hidden_cells(lines: Lines, rows: Any, person: Any) -> list[tuple[str, str]]:
    """(path, label) of what was given of lines or of their fields that do not exist for this person."""
    if rows is None:
        return []
    if lines.seen_by(person) is None:
        return [(lines.name, lines.label)]
    hidden = {f.name: f.label for f in lines.fields if not person.may(f.right)}
    given = enumerate(rows if hidden and isinstance(rows, list) else ())
    return [(f"{lines.name}-{i}-{n}", hidden[n]) for i, row in given for n in row if n in hidden]


def _perform(request: Any, action: Action, **what: Any) -> Outcome:
    require(request, action.may)
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 0 < len(key) <= 80:
        raise Failure(400, "Idempotency-Key 是 1 到 80 个字符。")
    confirmed = [mark for mark in request.headers.get("Confirm", "")[:2000].split(",") if mark]
    return _guarded(lambda: perform(action, by=request.person, key=key, source="api", confirmed=confirmed, **what))


def _perform_one(request: Any, resource: Resource, action: Action, record_id: int, person: Any = None) -> Outcome:
    """Perform on one record. perform itself looks whether it is there; only when the body is wrong must that be asked
    before, so that a foreign record is 404 whatever was sent."""
    require(request, action.may)
    try:
        params = _body(request, action.shape, person)
        return _perform(request, action, ids=[record_id], params=params, versions=_base(request, record_id))
    except Failure:
        record_or_404(resource, request.person, record_id, log="api")
        raise


def _guarded(work: Callable[[], Outcome]) -> Outcome:
    try:
        return work()
    except Invalid as error:
        raise Failure(422, str(error), [asdict(p) for p in error.problems]) from None
    except NotAllowed as error:
        raise Failure(403, str(error)) from None
    except (KeyReused, TooSlow) as error:
        raise Failure(409, str(error)) from None


def _all_done(outcome: Outcome) -> None:
    """One record was meant: its refusal is the answer."""
    refusal: Refusal | None = next(iter(outcome.refused.values()), None)
    if refusal is not None:
        status = {"missing": 404, "forbidden": 403}.get(refusal.code, 409)
        problems: list[Mapping[str, Any]] = (
            refusal.data
            if refusal.code in ("conflict", "warned")
            else [{"field": refusal.field, "message": refusal.text}]
        )
        raise Failure(status, refusal.text, problems)
