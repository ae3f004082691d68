"""The main job of `neiqin demo`, in a process of its own: load the demo company, tell what is there."""

import json
import sys

from neiqin.config.setup import setup_as


def main() -> int:
    """Print one line of JSON: logins and counts."""
    setup_as("app")
    from django.conf import settings

    from neiqin.demo import job, load, morning
    from neiqin.modules.company import opening

    if opening.is_new():
        settings.PRACTICE_MARK.touch()
    load()
    opening.prepare_code()
    done = {"job": job.run(), "morning": morning.run()}
    found = load() | done  # counts what there is when all is done
    sys.stdout.write(json.dumps(found, ensure_ascii=False, default=str) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
