#!/bin/sh
# logs.sh: the logs of all containers, or of one. logs.sh errors: what nginx answered with an error.
# In the environment, as make hands them over: s (container), since (1h, 2026-11-25), find (text), n (lines), status (5, 404).
set -eu
cd "$(dirname "$0")/.."
s=${s:-} since=${since:-} find=${find:-} n=${n:-} status=${status:-}

if [ "${1:-}" != errors ]; then
    set -- --timestamps
    [ -z "$since" ] || set -- "$@" --since "$since"
    if [ -z "$find" ]; then
        if [ -z "$n" ] && [ -z "$since" ]; then n=100; fi
        set -- "$@" -f
        [ -z "$n" ] || set -- "$@" --tail "$n"
        # shellcheck disable=SC2086
        exec docker compose logs "$@" $s
    fi
    [ -z "$n" ] || set -- "$@" --tail "$n"
    # shellcheck disable=SC2086
    docker compose logs --no-color "$@" $s | sed "s/$(printf '\033')\[2K//" | grep -i -e "$find" || echo "no line has '$find'" >&2
    exit 0
fi

case $status in *[!0-9]*) echo "Say the status as a number or its beginning: status=404, status=5" >&2 && exit 2 ;; esac
# Lines of nginx's access log are JSON with fixed keys (nginx.conf), the others are its own messages.
docker logs --since "${since:-24h}" "$(docker compose ps -aq nginx)" 2>&1 | awk -v wanted="${status:-5}" -v last="${n:-20}" '
    function value(key,    at, rest) {
        at = index($0, "\"" key "\":")
        if (!at) return ""
        rest = substr($0, at + length(key) + 3)
        if (substr(rest, 1, 1) == "\"") { match(rest, /^"([^"\\]|\\.)*"/); return substr(rest, 2, RLENGTH - 2) }
        match(rest, /^[0-9.]+/)
        return substr(rest, 1, RLENGTH)
    }
    /^\{"time":/ {
        code = value("status")
        if (index(code, wanted) != 1) next
        path = value("path")
        lines[++total] = value("time") " " code " " value("client") " " value("method") " " value("host") path "  " value("seconds") " s  " value("upstream")
        # Counted by the first part of the path, which is a service mostly.
        if (match(path, /^\/[^\/]+\//)) path = substr(path, 1, RLENGTH)
        key = code " " value("host") path
        if (!(key in count)) order[++keys] = key
        count[key]++
        next
    }
    / \[(error|crit|alert|emerg)\] / { messages[++said] = $0 }
    END {
        if (!total) print "nginx answered nothing with " wanted (length(wanted) < 3 ? "..." : "")
        for (i = 1; i <= keys; i++) printf "%7d  %s\n", count[order[i]], order[i]
        if (total) print "\nThe last of them:"
        for (i = (total > last ? total - last + 1 : 1); i <= total; i++) print lines[i]
        if (said) print "\nWhat nginx says itself:"
        for (i = (said > last ? said - last + 1 : 1); i <= said; i++) print messages[i]
    }'
