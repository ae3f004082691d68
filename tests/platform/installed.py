"""An installation as the first start leaves it. It is made once a run, by `neiqin up` in an empty folder; after that it
is copied, as people move a data folder."""

import os
import shutil
import subprocess
from pathlib import Path

from neiqin.config import prepare
from neiqin.config.postgres import locks
from tests.platform.test_up import Up, free_port


def install(data: Path) -> None:
    """Have it there, stopped."""
    shelf = Path(os.environ["NEIQIN_DATA"]).parent
    ready = shelf / f"installed-{prepare.fingerprint()[:16]}"
    shelf.mkdir(parents=True, exist_ok=True)
    with locks.exclusive(shelf / "installed.lock", wait=300) as got:
        assert got, "another worker keeps installing"
        if not ready.exists():
            for old in shelf.glob("installed-*"):
                shutil.rmtree(old)
            building = shelf / "installed-now" / "数 据"
            building.parent.mkdir(mode=0o755)
            up = Up(building, free_port())
            up.start()
            assert up.stop() == 0, up.log()
            building.rename(ready)
    data.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", str(ready), str(data)], check=True)  # shutil.copytree leaves the owners behind
