#!/bin/sh
# Makes nginx read its configuration again if files in nginx/ have changed since it read them: reload.sh CONTAINER. Does
# nothing if another container than CONTAINER is running now: a new nginx has just read them.
set -eu
cd "$(dirname "$0")/.."
umask 077
record=.secrets/.nginx
now=$(find nginx -type f -exec sha256sum {} + | sort | sha256sum)
if [ -n "${1:-}" ] && [ "$(docker compose ps -q --status running nginx)" = "$1" ] && [ "$now" != "$(cat "$record" 2>/dev/null)" ]; then
    if ! docker exec "$1" nginx -t -q -c /etc/nginx/osgs/nginx.conf; then
        echo "nginx does not accept its configuration (see above). It keeps running with the previous one." >&2
        exit 1
    fi
    docker exec "$1" nginx -s reload -c /etc/nginx/osgs/nginx.conf
    echo "nginx has read its configuration again"
fi
printf '%s\n' "$now" >"$record"
