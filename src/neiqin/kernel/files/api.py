"""A record's files in the API, beside every resource's own endpoints, behind the same gate."""

from typing import Any

from django.http import Http404, HttpResponse
from ninja import Router, Schema

from neiqin.kernel.files import attach, pages
from neiqin.kernel.files.models import Attachment
from neiqin.kernel.resources import schemas
from neiqin.kernel.resources.api import Failure, RecordId, answer, require
from neiqin.kernel.resources.pages.screen import record_or_404
from neiqin.kernel.resources.resource import Resource

STATUS = {"missing": 404, "forbidden": 403, "same": 409}
BINARY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1},
                        "of": {"type": "string", "description": "已有附件的 group：传成它的新版"},
                        "category": {"type": "string", "maxLength": 20},
                        "note": {"type": "string", "maxLength": 200},
                    },
                }
            }
        },
    }
}


class FileItem(Schema):
    id: int
    group: str
    number: int
    name: str
    size: int
    sha256: str
    category: str
    note: str
    added_at: str
    filed_at: str | None


class Files(Schema):
    items: list[FileItem]


def _responses(*good: int) -> dict[int, Any]:
    return {**dict.fromkeys(good, Files), 401: schemas.Unauthorized, **dict.fromkeys(schemas.ERRORS, schemas.Error)}


def add_endpoints(router: Router, resource: Resource) -> None:
    """List, upload and download of a record's files."""
    _add_list(router, resource)
    _add_upload(router, resource)
    _add_download(router, resource)


def _add_list(router: Router, resource: Resource) -> None:
    name, label = resource.api_name, resource.label

    @router.get(
        "/{int:record_id}/files", operation_id=f"files_{name}", summary=f"{label}：附件", response=_responses(200)
    )
    def list_files(request: Any, record_id: RecordId) -> Any:
        _gate(request, resource, record_id)
        return _items(resource, record_id)


def _add_upload(router: Router, resource: Resource) -> None:
    name, label = resource.api_name, resource.label

    @router.post(
        "/{int:record_id}/files", operation_id=f"attach_{name}", summary=f"{label}：上传附件",
        response=_responses(200, 201), openapi_extra=UPLOAD,
    )  # fmt: skip
    def upload(request: Any, record_id: RecordId) -> Any:
        _gate(request, resource, record_id)
        given = request.FILES.getlist("file")
        if not given:
            raise Failure(422, "没有收到文件，用 multipart/form-data 的 file 传。")
        more = {key: request.POST.get(key, "") for key in ("of", "category", "note")}
        for one in given:
            refusal = pages.take(one, resource, record_id, by=request.person, source="api", **more)
            if refusal is not None:
                problems = [{"field": refusal.field, "message": refusal.text}]
                raise Failure(STATUS.get(refusal.code, 422), refusal.text, problems)
        return _items(resource, record_id, status=201)


def _add_download(router: Router, resource: Resource) -> None:
    name, label = resource.api_name, resource.label

    @router.get(
        "/{int:record_id}/files/{attachment}", operation_id=f"download_{name}", summary=f"{label}：下载附件",
        response={200: None} | _responses(), openapi_extra={"responses": {200: {"content": BINARY}}},
    )  # fmt: skip
    def download(request: Any, record_id: RecordId, attachment: RecordId) -> Any:
        _gate(request, resource, record_id)
        found, row = pages.find(request.person, attachment, log="api")
        if (found.key, row.record_id) != (resource.key, record_id):
            raise Http404
        response = pages.hand_out(request.person, resource, row, source="api")
        if response is None:
            raise Failure(409, f"{pages.DAMAGED}，没有给出。")
        return response


def _gate(request: Any, resource: Resource, record_id: int) -> None:
    require(request, resource.view_permission)
    record_or_404(resource, request.person, record_id, log="api")


def _items(resource: Resource, record_id: int, status: int = 200) -> HttpResponse:
    rows = attach.of_records(resource.key, [record_id]).filter(removed_at=None)
    return answer(status, {"items": [_item(row) for row in rows]})


def _item(row: Attachment) -> dict[str, Any]:
    return {
        "id": row.pk, "group": str(row.group), "number": row.number, "name": row.name, "size": row.size,
        "sha256": row.sha256, "category": row.category, "note": row.note, "added_at": row.added_at.isoformat(),
        "filed_at": row.filed_at.isoformat() if row.filed_at else None,
    }  # fmt: skip
