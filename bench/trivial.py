"""Settings and addresses of the product with two pages more: nothing but its frame, and the same in the shell."""

from neiqin.config.settings import *  # noqa: F403

ROOT_URLCONF = "bench.trivial_urls"
