#!/bin/sh
# Starts what compose.yaml and .env ask for now: up.sh [SERVICE...]. A container with a secret as a file that has changed
# is made anew: Compose looks at the name of the file alone. One of which only the networks have changed keeps running.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=scripts/networks.sh
. scripts/networks.sh
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
nginx=$(docker compose ps -q --status running nginx 2>/dev/null || true)
start_stack "$@"
sh scripts/reload.sh "$nginx"
