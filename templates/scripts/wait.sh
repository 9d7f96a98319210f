#!/bin/sh
# Waits until every container is healthy and every job has ended well. WAIT_SECONDS (600) is the longest wait.
set -eu
cd "$(dirname "$0")/.."
limit=${WAIT_SECONDS:-600}
waited=0
while :; do
    pending=''
    for id in $(docker compose ps -aq); do
        state=$(docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}} {{.State.ExitCode}} {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}} {{or .HostConfig.RestartPolicy.Name "no"}}' "$id")
        # shellcheck disable=SC2086
        set -- $state
        case "$2 $3 $4 $5" in
        "running "*" healthy "*) ;;
        "exited 0 "*" no") ;;
        "exited "*" no")
            echo "the job $1 failed; its last lines:" >&2
            docker compose logs --tail 20 "$1" >&2
            exit 1
            ;;
        *) pending="$pending $1" ;;
        esac
    done
    [ -n "$pending" ] || break
    if [ "$waited" -ge "$limit" ]; then
        echo "not healthy after $limit seconds:$pending" >&2
        for name in $pending; do docker compose logs --tail 20 "$name" >&2; done
        exit 1
    fi
    [ $((waited % 30)) -ne 0 ] || echo "waiting for:$pending"
    sleep 3
    waited=$((waited + 3))
done
echo "all services are healthy"
