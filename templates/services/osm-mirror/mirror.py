"""Keeps the schema osm of the database gis a copy of a region of OpenStreetMap.

Without words, the container's work: imports the region where that is not done yet, then takes over what changed, for
ever. `again`, for `make osm-mirror-import`: lets the next start import anew. `status`: says how old the data is. `health`,
for the health check: whether the last work went well.

What was imported, with which style and area, stands in the table osm.mirror, so that updates go on with the same, and a
restored database with what it holds.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg2

SETTINGS = Path(os.environ.get("SETTINGS_DIR", "/osgs"))
DATA = Path(os.environ.get("DATA_DIR", "/data"))
# Written before each update; osm2pgsql notes its place in the database.
STYLE = Path("/tmp/style.lua")
# Until when all is well, in seconds since 1970.
HEALTHY = Path("/tmp/healthy-until")
DAY = 24 * 60 * 60
# libpq finds it there, here and in the programs that are run.
PASSWORD = Path("/run/secrets/OSM_MIRROR_DB_PASSWORD")

TABLE = """
CREATE TABLE IF NOT EXISTS osm.mirror (
    pbf_url text NOT NULL, update_url text, style text NOT NULL, clip text, imported timestamptz
)"""
POLYGONS = """
SELECT ST_AsText(ST_CollectionExtract(ST_Union(ST_MakeValid(ST_Force2D(ST_GeomFromGeoJSON(geometry)))), 3))
FROM unnest(%s) AS geometry"""


def say(text):
    print(text, flush=True)


def healthy_for(seconds):
    HEALTHY.write_text(str(int(time.time() + seconds)))


def run(*command, clip=None):
    subprocess.run(command, check=True, env={**os.environ, "CLIP": "yes" if clip else "no"})


def query(sql, *values):
    """The rows of a statement, in a connection of its own: between two updates hours may pass."""
    connection = psycopg2.connect("")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def imported():
    query(TABLE)
    rows = query("SELECT pbf_url, update_url, style, clip FROM osm.mirror WHERE imported IS NOT NULL")
    return rows[0] if rows else None


def clip_area():
    """The polygons of clip.geojson as text, or nothing where it has none."""
    document = json.loads((SETTINGS / "clip.geojson").read_text(encoding="utf-8"))
    features = document["features"] if document["type"] == "FeatureCollection" else [document]
    geometries = [feature["geometry"] if feature["type"] == "Feature" else feature for feature in features]
    if not geometries:
        return None
    crs = document.get("crs", {}).get("properties", {}).get("name", "CRS84")
    if not crs.endswith(("CRS84", ":4326")):
        raise ValueError(f"clip.geojson is in {crs}: save it in EPSG:4326, longitude and latitude")
    area = query(POLYGONS, [json.dumps(geometry) for geometry in geometries])[0][0]
    if area is None or area.endswith("EMPTY"):
        raise ValueError("clip.geojson has no polygon")
    return area


def fetch(url):
    """The extract, as a file; of an import that failed, today's is taken again."""
    file, source = DATA / "region.osm.pbf", DATA / "region.url"
    if file.exists() and source.exists() and source.read_text() == url and time.time() - file.stat().st_mtime < DAY:
        return file
    say(f"fetching {url}")
    file.unlink(missing_ok=True)
    run("curl", "-fsSL", "--retry", "5", "--speed-limit", "1000", "--speed-time", "120", "-o", f"{file}.part", url)
    source.write_text(url)
    Path(f"{file}.part").rename(file)
    return file


def import_region():
    healthy_for(7 * DAY)
    url = os.environ["PBF_URL"]
    clip = clip_area()
    style = (SETTINGS / "style.lua").read_text(encoding="utf-8")
    file = fetch(url)
    query(TABLE)
    query("DELETE FROM osm.mirror")
    # The style reads the area from there.
    query("INSERT INTO osm.mirror (pbf_url, style, clip) VALUES (%s, %s, %s)", url, style, clip)
    STYLE.write_text(style, encoding="utf-8")
    say("importing it")
    run(
        "osm2pgsql", "--create", "--slim", "--output", "flex", "--style", str(STYLE), "--schema", "osm",
        "--cache", os.environ["CACHE_MB"], str(file), clip=clip,
    )
    query("UPDATE osm.mirror SET imported = now()")
    file.unlink()
    say("imported")


def updates_from(update_url):
    """Where changes of the region are published: what the owner says, or else the extract itself.

    Never osm2pgsql's own answer, the changes of the whole world.
    """
    wanted = os.environ["UPDATE_URL"]
    if update_url and wanted in ("", update_url):
        return update_url
    known = query("SELECT value FROM osm.osm2pgsql_properties WHERE property = 'replication_base_url'")
    if not (wanted or known):
        say("the extract does not say where its changes are published, and update_url is empty: it stays as it is")
        return None
    run("osm2pgsql-replication", "init", "--schema", "osm", *(["--server", wanted] if wanted else []))
    query("UPDATE osm.mirror SET update_url = %s", wanted or known[0][0])
    return wanted or known[0][0]


def update(style, clip):
    STYLE.write_text(style, encoding="utf-8")
    run(
        "osm2pgsql-replication", "update", "--schema", "osm",
        "--diff-file", str(DATA / "changes.osc.gz"), "--max-diff-size", "100",
        "--", "--style", str(STYLE), "--cache", os.environ["CACHE_MB"], clip=clip,
    )


def work():
    minutes = int(os.environ["UPDATE_MINUTES"])
    pause = minutes * 60 or DAY
    # A server that is away for a day is no reason for alarm.
    healthy_for(pause + DAY)
    while True:
        wait = 10
        try:
            state = imported()
            if not state:
                wait = 60
                import_region()
                wait = 10
                state = imported()
            pbf_url, update_url, style, clip = state
            if pbf_url != os.environ["PBF_URL"]:
                say(f"the database holds {pbf_url}: make osm-mirror-import takes {os.environ['PBF_URL']}")
            if minutes and updates_from(update_url):
                update(style, clip)
            healthy_for(pause + DAY)
            time.sleep(pause)
        # Whatever it is, it may be over later: a server, the database, or what the owner wrote into a file.
        except Exception as error:
            say(f"{type(error).__name__}: {error}; again in {wait} minutes")
            if wait == 60:
                healthy_for(-1)
            time.sleep(wait * 60)


def main(word=None):
    if word == "health":
        return 0 if time.time() < float(HEALTHY.read_text()) else 1
    os.environ["PGPASSWORD"] = PASSWORD.read_text()
    if word == "again":
        query("DROP TABLE IF EXISTS osm.mirror")
        return 0
    if word == "status":
        if not imported():
            say("nothing is imported yet")
            return 1
        return subprocess.run(["osm2pgsql-replication", "status", "--schema", "osm"]).returncode
    return work()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
