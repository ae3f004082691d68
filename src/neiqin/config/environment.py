"""Where this installation lives: data folder, databases and keys, read from the environment once per process."""

import os
import secrets
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Environment:
    """data: the folder of this installation; dsn: libpq connection parameters of this process's role."""

    data: Path
    dsn: dict[str, str]
    secret_key: str
    master_key: bytes


def _key_file(path: Path, length: int) -> bytes:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(length))
    return path.read_bytes()


@cache
def load() -> Environment:
    data = Path(os.environ.get("NEIQIN_DATA", ".neiqin")).resolve()
    from psycopg.conninfo import conninfo_to_dict

    dsn = {k: str(v) for k, v in conninfo_to_dict(os.environ.get("NEIQIN_DATABASE_URL", "")).items()}
    return Environment(data, dsn, _key_file(data / "keys/secret.key", 32).hex(), _key_file(data / "keys/master.key", 32))
