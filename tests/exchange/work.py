"""Run as a module against a test's database: works on one import until it needs a person. It is there to be killed."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    from neiqin.config.setup import setup_as

    setup_as("app")
    from django.conf import settings

    settings.FILES = Path(os.environ["TEST_FILES"])
    from neiqin.kernel.exchange import working
    from neiqin.kernel.resources.resource import site

    working.PART = int(os.environ["TEST_PART"])

    site()
    print("at work", flush=True)  # noqa: T201
    working.work(import_id=int(sys.argv[1]))
