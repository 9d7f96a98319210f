#!/bin/sh
# upload.sh BUCKET NAME: puts the file /upload into the bucket, as the owner.
set -eu
umask 077
bucket=$1
name=$2
case $name in
'' | /* | *[!A-Za-z0-9._/-]*)
    echo "A name has letters, digits and . _ - / only: as=FOLDER/NAME" >&2
    exit 2
    ;;
esac
case $bucket in
'' | *[!a-z0-9.-]*)
    echo "There is no bucket $bucket" >&2
    exit 2
    ;;
esac
case $name in
*.tif | *.tiff | *.TIF | *.TIFF) type=image/tiff ;;
*.json) type=application/json ;;
*.geojson) type=application/geo+json ;;
*.html) type=text/html ;;
*.png) type=image/png ;;
*.jpg | *.jpeg) type=image/jpeg ;;
*) type=application/octet-stream ;;
esac
printf 'user = "GK6f7367730000000000000001:%s"\n' "$(cat /run/secrets/GARAGE_SECRET_KEY)" >/tmp/user
# Not every curl says by itself that the body is not signed.
curl --fail-with-body -sS -K /tmp/user --aws-sigv4 aws:amz:garage:s3 -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' \
    -H "Content-Type: $type" -T /upload "http://garage:3900/$bucket/$name"
echo "$name is in the bucket $bucket"
