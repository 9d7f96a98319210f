#!/bin/sh
# Takes the stack to the images that compose.yaml names: checks, backup, pull, start, checks again. Where the new ones do not
# become healthy, those that ran before are started again. BACKUP=no leaves the backup out, PULL=no the pull, where images come
# by docker load. Where make lock has pinned images, the pins move to the newest builds, and back where these fail.
set -eu
cd "$(dirname "$0")/.."
sh scripts/test.sh

rollback=$(mktemp)
pinned=''
# compose.yaml as it was, unless the new builds have proved good.
unpin() {
    if [ -n "$pinned" ]; then
        cat "$pinned" >compose.yaml
        rm -f "$pinned"
        pinned=''
    fi
}
trap 'rm -f "$rollback"; unpin' EXIT
echo "services:" >"$rollback"
for service in $(docker compose ps --services --status running); do
    container=$(docker compose ps -q "$service" | head -n 1)
    image=$(docker inspect --format '{{.Image}}' "$container")
    printf '  %s:\n    image: %s\n    pull_policy: never\n' "$service" "$image" >>"$rollback"
done
if [ "$(wc -l <"$rollback")" -eq 1 ]; then
    echo "nothing runs: make up starts the stack" >&2
    exit 2
fi

if [ "${BACKUP:-yes}" != no ]; then sh scripts/backup.sh; fi
if sh scripts/lock.sh used; then
    pinned=$(mktemp)
    cp compose.yaml "$pinned"
    sh scripts/lock.sh renew
fi
if [ "${PULL:-yes}" != no ]; then docker compose pull --ignore-buildable; fi

if sh scripts/up.sh && sh scripts/wait.sh && sh scripts/check.sh; then
    if [ -n "$pinned" ]; then
        rm -f "$pinned"
        pinned=''
    fi
    echo "the stack runs on the images of compose.yaml"
    exit 0
fi

echo "the new images do not do: starting those that ran before" >&2
unpin
set -- -f compose.yaml
if [ -f compose.override.yaml ]; then set -- "$@" -f compose.override.yaml; fi
docker compose "$@" -f "$rollback" up -d --remove-orphans
if sh scripts/wait.sh; then
    echo "the stack runs on the images of before. compose.yaml still names the new ones: take that commit back (git revert)." >&2
    echo "If a new image has changed its data already, the backup of before has the old: make backups, make restore." >&2
else
    echo "the images of before do not become healthy either: make ps, make logs; the backup of before: make backups" >&2
fi
exit 1
