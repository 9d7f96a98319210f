#!/bin/sh
# Starts what compose.yaml and .env ask for now: up.sh [SERVICE...]. A container with a secret as a file that has changed
# is made anew: Compose looks at the name of the file alone.
set -eu
cd "$(dirname "$0")/.."
sh scripts/env.sh
if [ -s .secrets/.changed ]; then
    stale=''
    for id in $(docker compose ps -aq); do
        docker inspect --format '{{range .Mounts}}{{println .Destination}}{{end}}' "$id" | grep -qxFf .secrets/.changed || continue
        stale="$stale $id"
        [ $# -eq 0 ] || set -- "$@" "$(docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}}' "$id")"
    done
    for id in $stale; do
        docker stop "$id" >/dev/null
        docker rm "$id" >/dev/null
    done
    rm .secrets/.changed
fi
docker compose up -d --remove-orphans "$@"
