"""Two answers at the same moment, with real commits."""

import secrets
from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from neiqin.kernel.actions.perform import perform
from neiqin.kernel.guests import asks
from neiqin.kernel.guests.models import Invitation
from neiqin.kernel.notices.models import Notice
from neiqin.kernel.people.scope import SYSTEM
from tests import factories


def test_of_answers_at_the_same_moment_one_counts(own_database):
    owner = factories.actor("周启明")
    contact = factories.customer(owner).contacts.get()
    sample = factories.MAKERS["stranger.sample"]()
    type(sample).objects.filter(pk=sample.pk).update(owner=owner.id)
    asks.asks_of("stranger.sample")
    verbs = asks.ASKS["stranger.confirm"].verbs
    params = {"contact": f"customers.contact:{contact.pk}", "token": secrets.token_hex(32)}
    assert perform(verbs["invite"], [sample.pk], by=SYSTEM, params=params).done
    row = Invitation.objects.get()

    def answer(choice):
        given = {"invitation": row.pk, "guest": row.guest_id, "choice": choice, "text": "x"}
        try:
            return perform(verbs["answer"], [sample.pk], by=SYSTEM, params=given, source="guest").done
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(answer, ["ok", "wrong"] * 3)) == [[sample.pk]] * 6
    assert Invitation.objects.get().choice in ("ok", "wrong")
    assert Notice.objects.filter(person_id=owner.id).count() == 1
