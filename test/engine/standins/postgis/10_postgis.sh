# shellcheck shell=bash
# Sourced at the first start: PostGIS in the first database and in a template.
psql -v ON_ERROR_STOP=1 -q -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c 'CREATE DATABASE template_postgis IS_TEMPLATE true'
for database in template_postgis "$POSTGRES_DB"; do
  for extension in postgis postgis_topology fuzzystrmatch postgis_tiger_geocoder; do
    psql -v ON_ERROR_STOP=1 -q -U "$POSTGRES_USER" -d "$database" -c "CREATE EXTENSION IF NOT EXISTS $extension"
  done
done
