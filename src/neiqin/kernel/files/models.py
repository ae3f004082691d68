"""What is known of stored files. Their bodies lie encrypted in the data folder, never in the database."""

from django.db import models


class StoredFile(models.Model):
    """One body, never changed once stored. `place` is its random name on disk; sha256 is of the body as given."""

    place = models.CharField(max_length=40, unique=True)
    sha256 = models.CharField(max_length=64, db_index=True)
    size = models.BigIntegerField()
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=80)  # the media type its content shows, not the one it claims
    person_id = models.BigIntegerField(null=True)
    stored_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
