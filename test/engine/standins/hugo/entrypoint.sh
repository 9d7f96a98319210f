#!/bin/sh
# Runs the site's own entrypoint if it has one, else hugo with the arguments.
if [ -f hugo-docker-entrypoint.sh ]; then exec sh hugo-docker-entrypoint.sh "$@"; fi
exec hugo "$@"
