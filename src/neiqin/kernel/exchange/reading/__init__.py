"""Bytes or clipboard to tables: formats, encodings, habits of platform files, hostile files. Pure: no database."""

from neiqin.kernel.exchange.reading.book import Book, Row, Rows, Sheet, read, read_clipboard
from neiqin.kernel.exchange.reading.joining import join
from neiqin.kernel.exchange.reading.limits import Limits, Unreadable

__all__ = ["Book", "Limits", "Row", "Rows", "Sheet", "Unreadable", "join", "read", "read_clipboard"]
