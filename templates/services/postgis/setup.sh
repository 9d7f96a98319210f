#!/bin/sh
# Makes the roles and schemas of this stack, at every start. Safe to run again.
set -eu
for file in /run/secrets/*; do export "${file##*/}=$(cat "$file")"; done
export PGPASSWORD="$POSTGIS_PASSWORD"
psql -X -q -v ON_ERROR_STOP=1 -f /setup/roles.sql
echo "roles and schemas are in place"
