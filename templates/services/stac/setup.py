"""Makes pgstac's tables, or takes them to the version of this image, and lets the API's role read. Safe to run again."""

import os
from pathlib import Path

import psycopg
from pypgstac.db import PgstacDB
from pypgstac.migrate import Migrate

os.environ["PGPASSWORD"] = Path("/run/secrets/POSTGIS_PASSWORD").read_text()
with PgstacDB() as database:
    print("pgstac", Migrate(database).run_migration())
with psycopg.connect("") as connection:
    connection.execute("GRANT pgstac_read TO stac")
    connection.execute("ALTER ROLE stac IN DATABASE stac SET search_path TO pgstac, public")
    # Nobody but its owner may make temporary tables in this database; loading and moving partitions need them.
    connection.execute("GRANT TEMPORARY ON DATABASE stac TO pgstac_admin, pgstac_ingest")
