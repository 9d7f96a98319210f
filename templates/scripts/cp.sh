#!/bin/sh
# Copies files out of a container or into a volume of one: cp.sh FROM TO, of which one is CONTAINER:PATH. What goes in
# belongs to whom its folder belongs to, so that the service can read it.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=scripts/backup-lib.sh
. scripts/backup-lib.sh
umask 022

from=${1:-} to=${2:-}
usage='Say make cp from=FILE to=CONTAINER:/PATH/ or from=CONTAINER:/PATH to=FILE'
if [ -z "$from" ] || [ -z "$to" ]; then fail "$usage"; fi
case $from in
*:/*)
    docker compose cp "$from" "$to"
    exit
    ;;
esac
case $to in *:/*) ;; *) fail "$usage" ;; esac
container=${to%%:*} path=${to#*:}
[ -e "$from" ] || fail "there is no $from"
id=$(docker compose ps -aq "$container" | head -n 1)
[ -n "$id" ] || fail "there is no container '$container': make up"
kept=''
for mount in $(docker inspect --format '{{range .Mounts}}{{if .RW}}{{.Destination}} {{end}}{{end}}' "$id"); do
    case $path in "$mount" | "$mount"/*) kept=yes ;; esac
done
[ -n "$kept" ] || fail "$path is in no volume of $container that may be written to: it would be gone with the container"
read_model
# shellcheck disable=SC2016
tar -C "$(dirname "$from")" -cf - "$(basename "$from")" |
    in_box --user 0 --cap-add CHOWN --cap-add DAC_OVERRIDE --cap-add FOWNER --volumes-from "$id" --entrypoint sh "$tools" -c '
        set -e
        folder=$1 name=$2
        case $1 in */) ;; *) [ -d "$1" ] || { folder=$(dirname "$1") && name=$(basename "$1"); } ;; esac
        [ -d "$folder" ] || { echo "there is no folder $folder" >&2; exit 1; }
        owner=$(stat -c %u:%g "$folder")
        tar -C "$folder" --no-same-owner --transform "s,^[^/]*,$name," -xf -
        chown -R "$owner" "$folder/$name"' sh "$path" "$(basename "$from")"
say "copied to $to"
