#!/bin/sh
# Writes a template configuration when there is none, then runs the command.
cd /mapproxy || exit 1
if [ ! -f config/mapproxy.yaml ] && [ "${MULTIAPP_MAPPROXY:-}" != true ]; then
  echo 'No mapproxy configuration found. Creating one from template.'
  mapproxy-util create -t base-config config
fi
exec "$@"
