"""Where a page of a list begins, as a part of its address: opaque to the reader, checked when it comes back."""

import base64
import json
from datetime import datetime
from typing import Any

from neiqin.kernel.fields import formats


class BadQuery(ValueError):
    """The address asks for something this list does not have; the message is Chinese."""


def write(row: tuple[Any, int]) -> str:
    """(value of the sort, id) of a row -> where a page begins, for an address."""
    value = row[0].isoformat() if isinstance(row[0], datetime) else row[0]
    return (
        base64.urlsafe_b64encode(json.dumps([value, row[1]], ensure_ascii=False, default=str).encode())
        .decode()
        .rstrip("=")
    )


def read(text: str) -> tuple[Any, int] | None:
    """The row that `write` made this of, None for "". Raises BadQuery."""
    if not text:
        return None
    try:
        value, row = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        clean = formats.clean_text(value, 400) if isinstance(value, str) else value
        if isinstance(clean, str) and clean[4:5] == "-" and "T" in clean:
            clean = datetime.fromisoformat(clean)
    except ValueError:
        clean, row = None, None
    if not isinstance(row, int) or not -(2**63) <= row < 2**63 or not isinstance(clean, (str, int, datetime)):
        raise BadQuery("这一页的地址不完整，从第一页重新翻。")
    return clean, row
