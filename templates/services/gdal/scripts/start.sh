#!/bin/sh
# Runs a program of GDAL. libpq and GDAL read passwords from variables: here they are the program's alone.
set -eu
export_file() {
    [ ! -e "/run/secrets/$2" ] || export "$1=$(cat "/run/secrets/$2")"
}
export_file PGPASSWORD POSTGIS_GIS_PASSWORD
export_file AWS_SECRET_ACCESS_KEY GARAGE_GDAL_SECRET_KEY
exec "$@"
