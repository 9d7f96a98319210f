#!/bin/sh
# Cuts the products of a project to its cutline, as Cloud Optimized GeoTIFFs in its folder clipped. `make odm-clip` runs it
# in the container odm-clip.
set -eu
cd "/datasets/$1"
for cutline in cutline.geojson cutline.gpkg cutline.shp ''; do
    if [ -f "$cutline" ]; then break; fi
done
if [ -z "$cutline" ]; then
    echo "There is no services/odm/datasets/$1/cutline.geojson (or .gpkg, .shp)" >&2
    exit 2
fi
mkdir -p clipped
found=0

# clip PRODUCT NAME GDALWARP-OPTION...: written beside and renamed, so that nobody reads half a file.
clip() {
    product=$1
    name=$2
    shift 2
    if [ ! -f "$product" ]; then return; fi
    found=1
    rm -f "clipped/$name.part.tif"
    gdalwarp -cutline "$cutline" -crop_to_cutline -multi -of COG -co COMPRESS=DEFLATE -co PREDICTOR=YES \
        -co BIGTIFF=IF_SAFER "$@" "$product" "clipped/$name.part.tif"
    mv -f "clipped/$name.part.tif" "clipped/$name.tif"
}

# Outside of the cutline the photo is transparent, and a model has its value for no data.
clip odm_orthophoto/odm_orthophoto.tif orthophoto -dstalpha
clip odm_dem/dsm.tif dsm -dstnodata -9999
clip odm_dem/dtm.tif dtm -dstnodata -9999
if [ "$found" -eq 0 ]; then
    echo "The project $1 has no products yet: make odm project=$1" >&2
    exit 2
fi
