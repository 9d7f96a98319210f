#!/bin/sh
# Makes a Cloud Optimized GeoTIFF. `make gdal-cog` runs it in the container gdal: FILE comes from its environment, further
# options of gdal_translate as arguments.
set -eu
name=${FILE##*/}
mkdir -p /data/cog
out=/data/cog/${name%.*}.tif
# Written beside and renamed: a server that reads the file never sees half of it.
# Of an option that is given twice GDAL takes the first.
gdal_translate -of COG "$@" -co COMPRESS=DEFLATE -co PREDICTOR=YES -co BIGTIFF=IF_SAFER "$FILE" "$out.part"
mv -f "$out.part" "$out"
echo "made services/gdal${out}"
