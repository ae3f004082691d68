from django.db import migrations

# Only its owner may empty an index's list of pending entries, and the application owns nothing. Anybody may ask for it.
SETTLE = """
CREATE FUNCTION search_settle() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT gin_clean_pending_list('search_entry_tokens'::regclass)
$$
"""


class Migration(migrations.Migration):
    dependencies = [("search", "0002_pending")]
    operations = [migrations.RunSQL(SETTLE, "DROP FUNCTION search_settle()")]
