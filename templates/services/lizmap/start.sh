#!/bin/sh
# Hands Lizmap its passwords as files that only it can read, then starts the image's own entrypoint.
set -eu
umask 077
cat /run/secrets/LIZMAP_ADMIN_PASSWORD >/srv/admin-password
printf 'postgis:5432:lizmap:lizmap_users:%s\npostgis:5432:gis:lizmap:%s\n' \
    "$(cat /run/secrets/LIZMAP_USERS_DB_PASSWORD)" "$(cat /run/secrets/LIZMAP_DB_PASSWORD)" >"$PGPASSFILE"
chown "$LIZMAP_USER_ID:$LIZMAP_GROUP_ID" "$PGPASSFILE"
umask 022
exec /bin/lizmap-entrypoint.sh "$@"
