#!/bin/sh
# Makes the administrator of a new Uptime Kuma. Where there are users already, it logs in with the password in .env, and
# fails where that is refused: then somebody else may be the administrator.
# Uptime Kuma speaks socket.io alone. engine.io's long polling is plain HTTP: 40 connects, 42N["event",...] sends an event,
# 43N[...] acknowledges it; several packets in one answer have the byte 0x1e between them.
# Contract: louislam/uptime-kuma:server/server.js, events needSetup, setup and login (2.5.3)
set -eu
server=${UPTIME_KUMA_URL:-http://uptime-kuma:3001}/socket.io/
name=${ADMIN_NAME:-admin}
password=$(cat "${SECRETS:-/run/secrets}/UPTIME_KUMA_ADMIN_PASSWORD")
case $password in
'' | *[!A-Za-z0-9._~-]*)
    echo "UPTIME_KUMA_ADMIN_PASSWORD may have letters, digits and . _ ~ - only" >&2
    exit 1
    ;;
esac

at="$server?EIO=4&transport=polling"
sid=$(curl -fsS --max-time 30 "$at" | sed -n 's/.*"sid":"\([^"]*\)".*/\1/p') || true
if [ -z "$sid" ]; then
    echo "Uptime Kuma does not answer at $server" >&2
    exit 1
fi
at="$at&sid=$sid"

# Sends a packet, which comes from standard input: nobody sees a password in a list of processes.
send() { curl -fsS -o /dev/null --max-time 30 -H 'Content-Type: text/plain;charset=UTF-8' --data-binary @- "$at"; }

# emit NUMBER JSON: sends an event and prints its acknowledgement.
emit() {
    printf '42%s%s' "$1" "$2" | send || return 1
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        packets=$(curl -fsS --max-time 60 "$at" | tr '\036' '\n') || return 1
        # A server that hears no answer to its 2 takes the connection for closed.
        if printf '%s\n' "$packets" | grep -qx 2; then printf 3 | send || return 1; fi
        if printf '%s\n' "$packets" | grep "^43$1"; then return; fi
    done
    return 1
}

printf 40 | send
case $(emit 0 '["needSetup"]') in
*'[true]'*)
    said=$(emit 1 "[\"setup\",\"$name\",\"$password\"]") || said='no answer'
    case $said in
    *'"ok":true'*) echo "made the administrator $name" ;;
    *)
        echo "Uptime Kuma did not make the administrator $name. It answered: $said" >&2
        exit 1
        ;;
    esac
    ;;
*'[false]'*) ;;
*)
    echo "Uptime Kuma does not say whether it has users" >&2
    exit 1
    ;;
esac

said=$(emit 2 "[\"login\",{\"username\":\"$name\",\"password\":\"$password\",\"token\":\"\"}]") || said='no answer'
case $said in
*'"ok":true'*) echo "$name logs in with UPTIME_KUMA_ADMIN_PASSWORD" ;;
# Uptime Kuma asks for the second factor after the password only.
*'"tokenRequired":true'*) echo "$name logs in with UPTIME_KUMA_ADMIN_PASSWORD and a second factor" ;;
*authIncorrectCreds* | *ncorrect*)
    cat >&2 <<END
Uptime Kuma has users, and refuses $name with UPTIME_KUMA_ADMIN_PASSWORD from .env. Either
- the name or the password was changed in Uptime Kuma: put the password into .env as UPTIME_KUMA_ADMIN_PASSWORD, and the name
  into osgs.yaml as the setting admin_name of uptime-kuma, and run make up again; or
- somebody else has made the first account: docker compose exec uptime-kuma npm run reset-password gives it a new
  password; put that into .env. Look through its monitors and notifications before you trust them.
END
    exit 1
    ;;
*)
    echo "Uptime Kuma does not answer the login of $name as expected: $said" >&2
    exit 1
    ;;
esac
