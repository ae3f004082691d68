"""What has to be done once after new code or a new database, before anybody is served: migrate, collect static files.

Runs as the owner of the tables in a process of its own, so that the supervisor never imports Django.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

from neiqin.config import environment
from neiqin.config.postgres import ClusterProblem, folder
from neiqin.config.setup import setup_as

PACKAGE = Path(__file__).resolve().parent.parent


def main() -> int:
    """Migrate and collect; exit code 2 with a sentence when the database will not have it."""
    try:
        prepare()
    except ClusterProblem as problem:
        print(problem.sentence, file=sys.stderr)  # noqa: T201
        return 2
    return 0


def prepare(verbosity: int = 0) -> None:
    """Both roles exist afterwards, the tables are those of this code, and DATA/static is complete."""
    setup_as("owner")
    from django.core.management import call_command

    if environment.database_url():
        from neiqin.config.postgres import outside

        outside.ensure_roles(environment.load().dsn)
    from neiqin.kernel.actions import seals
    from neiqin.modules.company import opening

    seals.open_era_if_brought_here()  # before a migration writes
    call_command("migrate", interactive=False, verbosity=verbosity)
    call_command("collectstatic", interactive=False, verbosity=0)
    opening.prepare_code()
    remember()


def needed() -> bool:
    """Whether code, dependencies or database changed since the last time. An outside database is always asked."""
    if environment.database_url():
        return True
    data = environment.data_folder()
    try:
        found = json.loads((data / "prepared.json").read_text())
    except (FileNotFoundError, ValueError):
        return True
    return found != _state(data)


def remember() -> None:
    """Note that this code has prepared this database."""
    data = environment.data_folder()
    (data / "prepared.json").write_text(json.dumps(_state(data)))


def forget() -> None:
    """Make the next start prepare again (after a restore)."""
    (environment.data_folder() / "prepared.json").unlink(missing_ok=True)


def _state(data: Path) -> dict[str, str]:
    return {"code": fingerprint(), "database": folder.read_record(data).get("created", "")}


def fingerprint() -> str:
    """Names, sizes and times of our files and of the installed packages; a few milliseconds."""
    digest = hashlib.sha256()
    for here, folders, files in os.walk(PACKAGE):
        folders[:] = sorted(f for f in folders if f != "__pycache__")
        for name in sorted(files):
            found = os.stat(os.path.join(here, name))
            digest.update(f"{here}/{name} {found.st_size} {found.st_mtime_ns}\n".encode())
    for place in sys.path:
        if place.endswith("site-packages") and os.path.isdir(place):
            digest.update(f"{place} {os.stat(place).st_mtime_ns}\n".encode())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
