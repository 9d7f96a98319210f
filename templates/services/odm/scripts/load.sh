#!/bin/bash
# Loads the products of a project into the schema raster, in place of those of last time. `make odm-load` runs it in the
# container odm-load.
set -euo pipefail
cd "/datasets/$1"
# A name that needs no quotes in SQL.
name=$(printf '%s' "$1" | tr '[:upper:]' '[:lower:]' | sed -e 's/[^a-z0-9_]/_/g' -e 's/^[0-9]/_&/' | cut -c 1-40)
export PGOPTIONS='-c client_min_messages=warning'
PGPASSWORD=$(cat /run/secrets/POSTGIS_GIS_PASSWORD)
export PGPASSWORD

psql -X -q -v ON_ERROR_STOP=1 <<'SQL'
CREATE SCHEMA IF NOT EXISTS raster;
GRANT USAGE ON SCHEMA raster TO gis_read;
ALTER DEFAULT PRIVILEGES IN SCHEMA raster GRANT SELECT ON TABLES TO gis_read;
SQL

found=0
# load NAME PRODUCT: tiles of 256 pixels with an index, the constraints that QGIS reads, and overviews for small scales.
# raster2pgsql wraps it all in a transaction: what breaks off leaves the old table as it was.
load() {
    local file=clipped/$1.tif
    [ -f "$file" ] || file=$2
    [ -f "$file" ] || return 0
    found=1
    echo "loading $file into raster.${name}_$1"
    raster2pgsql -d -I -C -F -P -Y -t 256x256 -l 4,16,64 "$file" "raster.${name}_$1" | psql -X -q -o /dev/null -v ON_ERROR_STOP=1
}

load orthophoto odm_orthophoto/odm_orthophoto.tif
load dsm odm_dem/dsm.tif
load dtm odm_dem/dtm.tif
if [ "$found" -eq 0 ]; then
    echo "The project $1 has no products yet: make odm project=$1" >&2
    exit 2
fi
