"""Runs DB Sync with a configuration made from the environment, and again where it ends: before the account, the project
or its file are there, it ends at once.

"start.py check" asks both ends; "start.py reset" begins from scratch, once.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request

env = os.environ
schema = env["SYNC_SCHEMA"]


def secret(name):
    with open(f"/run/secrets/{name}") as file:
        return file.read()


# libpq finds it there, in DB Sync and in geodiff.
env["PGPASSWORD"] = secret("MERGIN_DB_SYNC_DB_PASSWORD")
database = "host=postgis port=5432 dbname=mergin_sync user=mergin_db_sync"
config = {
    "mergin": {
        "url": env["SERVER_URL"],
        "username": env["ACCOUNT"],
        "password": secret("MERGIN_DB_SYNC_PASSWORD"),
    },
    "init_from": env["SYNC_FROM"],
    "connections": [
        {
            "driver": "postgres",
            "conn_info": database,
            "modified": schema,
            "base": schema + "_base",
            "mergin_project": env["PROJECT"],
            "sync_file": env["SYNC_FILE"],
        }
    ],
    "daemon": {"sleep_time": int(env["SLEEP_TIME"])},
}


def check():
    import psycopg2

    urllib.request.urlopen(env["SERVER_URL"].rstrip("/") + "/ping", timeout=10)
    psycopg2.connect(database, connect_timeout=5).close()


def main():
    # JSON is YAML too. Mode 0600, in memory.
    path = "/tmp/config.yaml"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(config, file)
    os.chdir("/mergin-db-sync")
    command = ["python3", "-u", "dbsync_daemon.py", path]
    if sys.argv[1:] == ["reset"]:
        sys.exit(subprocess.call(command + ["--force-init", "--single-run"]))
    while True:
        code = subprocess.call(command)
        print(f"DB Sync ended with {code}; again in a minute", flush=True)
        time.sleep(60)


check() if sys.argv[1:] == ["check"] else main()
