#!/bin/sh
# Renders *.template files into conf.d with the variables that pass the filter.
set -e
from=${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}
suffix=${NGINX_ENVSUBST_TEMPLATE_SUFFIX:-.template}
to=${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}
[ -d "$from" ] || exit 0
if [ ! -w "$to" ]; then
  echo "$0: ERROR: $from exists, but $to is not writable" >&2
  exit 0
fi
names=$(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p' | grep -E -- "${NGINX_ENVSUBST_FILTER:-.}" | sed 's/.*/${&}/' | tr '\n' ' ' || true)
find "$from" -follow -type f -name "*$suffix" | while read -r template; do
  out=$to/${template#"$from/"}
  out=${out%"$suffix"}
  mkdir -p "$(dirname "$out")"
  envsubst "$names" <"$template" >"$out"
done
