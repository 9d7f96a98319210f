#!/bin/bash
# Builds the graph, once, and serves it. The image alone takes what a build that broke off has left for a graph, and a
# download that broke off for an extract.
set -eu
cd /custom_files
# Large temporary files belong on the disk.
export TMPDIR=/custom_files/tmp
if [ ! -e complete ]; then
    if [ ! -e region.osm.pbf ]; then
        echo "Fetching $PBF_URL"
        curl -fsSL --retry 3 -o region.osm.pbf.part "$PBF_URL"
        mv region.osm.pbf.part region.osm.pbf
    fi
    rm -rf tmp valhalla_tiles valhalla_tiles.tar admins.sqlite timezones.sqlite
    mkdir tmp
    serve_tiles=False tile_urls='' /valhalla/scripts/docker-entrypoint.sh build_tiles
    rm -rf tmp region.osm.pbf
    touch complete
fi
mkdir -p tmp
# Whatever is missing now, for instance heights, is added by 'make valhalla-import' alone.
export build_admins=False build_time_zones=False build_elevation=False tile_urls=''
exec /valhalla/scripts/docker-entrypoint.sh build_tiles
