#!/bin/bash
# Hands QGIS Server the database password as a file: expressions in a request can read the environment. Then starts the
# image's own entrypoint.
set -eu
(
    umask 077
    printf 'postgis:5432:gis:lizmap:%s\n' "$DB_PASSWORD" >"$PGPASSFILE"
)
unset DB_PASSWORD
exec /docker-entrypoint.sh qgisserver
