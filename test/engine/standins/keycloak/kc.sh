#!/bin/bash
# `start` opens the database first: without it there is no Keycloak.
set -eu
if [ "${1:-}" != start ]; then echo "only start is here, not '${1:-}'" >&2; exit 2; fi
[ "${KC_DB:-}" = postgres ] || { echo 'KC_DB must be postgres here' >&2; exit 1; }
PGUSER=$KC_DB_USERNAME PGPASSWORD=$KC_DB_PASSWORD psql -X -q -v ON_ERROR_STOP=1 "${KC_DB_URL#jdbc:}" \
  -c 'CREATE TABLE IF NOT EXISTS databasechangelog (id text)'
exec node /opt/keycloak/lib/server.mjs "$@"
