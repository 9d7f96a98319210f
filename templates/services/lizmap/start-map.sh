#!/bin/bash
# Hands QGIS Server the database password in libpq's own file: expressions in a request can read the environment. Then
# starts the image's own entrypoint.
set -eu
(
    umask 077
    printf 'postgis:5432:gis:lizmap:%s\n' "$(cat /run/secrets/LIZMAP_DB_PASSWORD)" >"$PGPASSFILE"
)
exec /docker-entrypoint.sh qgisserver
