"""A database of the test's own with a little sealed history, and what a superuser does to it."""

from types import SimpleNamespace

import pytest

from neiqin.config.postgres import Roles


def seal_everything():
    """One seal over all there is. Transactions of other tests in the same cluster are waited for: none is passed."""
    from neiqin.kernel.actions import seals
    from tests.faults.threads import until_settled

    until_settled()
    while seals.seal():
        pass


@pytest.fixture
def past(own_database):
    """Three customers made by ann and edited, everything sealed in two seals."""
    from neiqin.kernel.actions.perform import perform
    from neiqin.modules.customers import actions
    from tests import factories

    ann = factories.actor("周启明")
    records = [factories.customer(ann) for _ in range(3)]
    seal_everything()
    for record in records:
        perform(actions.edit, [record.pk], by=ann, params={"city": "昆山"})
    seal_everything()
    return SimpleNamespace(ann=ann, records=records, ids=[r.pk for r in records])


@pytest.fixture
def forced(superuser_connection):
    """forced(sql, values): as a superuser with all triggers off."""

    def run(sql, values=()):
        superuser_connection.execute("SET session_replication_role = replica")
        return superuser_connection.execute(sql, values)

    return run


@pytest.fixture
def as_role(databases, own_database):
    """as_role("neiqin_owner") -> a new autocommit connection of that role to the test's database."""
    import psycopg

    opened = []

    def connect(role=Roles.APP):
        opened.append(psycopg.connect(**databases.cluster.dsn(role, own_database), autocommit=True))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()
