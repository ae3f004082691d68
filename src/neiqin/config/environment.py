"""Where this installation lives: data folder, database and keys, read from the environment once per process.

NEIQIN_DATA          the data folder
NEIQIN_DATABASE_URL  a PostgreSQL server of one's own instead of the embedded one
NEIQIN_DB_ROLE       `owner` for migrations, else `app`
NEIQIN_DB_NAME       another database in the same cluster (tests)
"""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from neiqin.config import keys
from neiqin.config.postgres import Cluster, Roles

SOURCE = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Environment:
    """data: the folder of this installation; dsn: libpq connection parameters of this process's role."""

    data: Path
    dsn: dict[str, str]
    secret_key: str
    master_keys: dict[int, bytes]


def data_folder() -> Path:
    """NEIQIN_DATA; else `.neiqin` here, if it is there or this is the source checkout; else in the person's home."""
    named = os.environ.get("NEIQIN_DATA")
    here = Path.cwd() / ".neiqin"
    if named:
        return Path(named).expanduser().resolve()
    if here.is_dir() or (Path.cwd().resolve() == SOURCE and (SOURCE / "pyproject.toml").is_file()):
        return here.resolve()
    return Path.home() / ".local/share/neiqin"


def database_url() -> str:
    """The address of an outside server, or "" for the embedded one."""
    return os.environ.get("NEIQIN_DATABASE_URL", "")


@cache
def load() -> Environment:
    """Read everything, making the two first keys at the first call. The database need not run."""
    data = data_folder()
    role = Roles.OWNER if os.environ.get("NEIQIN_DB_ROLE") == "owner" else Roles.APP
    return Environment(data, dsn(role), keys.secret(data, "secret").hex(), keys.master_keys(data))


def dsn(role: str) -> dict[str, str]:
    """libpq's parameters for one of Roles. The login of an outside server is the owner's."""
    found = _outside(database_url()) if database_url() else Cluster(data_folder()).dsn(role)
    if database_url() and role == Roles.APP:
        # At the start of the session: Django's assume_role waits for ever when connections come from its pool.
        found["options"] = f"{found.get('options', '')} -c role={Roles.APP}".strip()
    if "NEIQIN_DB_NAME" in os.environ:
        found["dbname"] = os.environ["NEIQIN_DB_NAME"]
    return found


def _outside(url: str) -> dict[str, str]:
    from psycopg.conninfo import conninfo_to_dict

    return {name: str(value) for name, value in conninfo_to_dict(url).items()}
