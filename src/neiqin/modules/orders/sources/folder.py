"""A folder of this machine. What is taken goes to `done`, what cannot be taken to `aside`, with a text beside it."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from neiqin.modules.orders.sources.connector import (
    ASIDE,
    DONE,
    MOST_BYTES,
    SUFFIXES,
    TOO_LARGE,
    Fetched,
    Found,
    Left,
    Told,
    Trouble,
)

STILL_SECONDS = 5


class Folder:
    """Files that have not changed for five seconds. With must_exist a missing folder is Trouble, else it is empty."""

    def __init__(self, path: Path, *, must_exist: bool = False) -> None:
        self.path, self.must_exist = path, must_exist

    def look(self, known: Mapping[str, str]) -> Sequence[Found]:
        if not self.path.is_dir():
            if self.must_exist:
                raise Trouble(f"没有文件夹 {self.path}。")
            return []
        try:
            files = [(p, p.stat()) for p in sorted(self.path.iterdir()) if p.suffix.lower() in SUFFIXES and p.is_file()]
        except FileNotFoundError:
            return []  # taken away in this moment: the next minute sees the rest
        except OSError as error:
            raise Trouble(f"不能读文件夹 {self.path}（{error.strerror}）。") from None
        before = time.time() - STILL_SECONDS
        return [Found(p.name, p.name, f"{s.st_size}:{s.st_mtime_ns}") for p, s in files if s.st_mtime <= before]

    def fetch(self, found: Found, known: str) -> Fetched | None:
        path = self.path / found.key
        try:
            if path.stat().st_size > MOST_BYTES:
                raise Left(TOO_LARGE)
            return Fetched(path.read_bytes(), found.mark)
        except OSError as error:
            raise Left(f"读不了这个文件（{error.strerror}）。") from None

    def done(self, found: Found, told: Told) -> None:
        self._move(found, told, DONE)

    def set_aside(self, found: Found, told: Told) -> None:
        self._move(found, told, ASIDE)

    def close(self) -> None:
        """Nothing is held."""

    def _move(self, found: Found, told: Told, where: str) -> None:
        path, target = self.path / found.key, self.path / where
        try:
            target.mkdir(exist_ok=True)
            name = found.key
            if (target / name).exists():  # shops call every export the same
                name = f"{datetime.now():%Y%m%d-%H%M%S}-{name}"  # noqa: DTZ005 - a name for who looks into the folder
            (target / f"{name}.txt").write_text("\n".join([told.words, *told.problems, ""]))
            if told.workbook:
                (target / f"{Path(name).stem}-没取的订单.xlsx").write_bytes(told.workbook)
            path.replace(target / name)
        except OSError as error:
            raise Trouble(f"不能把文件移到 {target}（{error.strerror}）；已经取过的不会再取。") from None
