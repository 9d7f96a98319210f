#!/bin/sh
# Makes the administrator of a new Traccar. Does nothing where there are users already.
set -eu
case $(wget -q -O - http://traccar:8082/api/server) in
*'"newServer":true'*) ;;
*)
    echo "there are users already"
    exit 0
    ;;
esac
password=$(cat /run/secrets/TRACCAR_ADMIN_PASSWORD)
case $password in
'' | *[!A-Za-z0-9._~-]*)
    echo "TRACCAR_ADMIN_PASSWORD may have letters, digits and . _ ~ - only" >&2
    exit 1
    ;;
esac
wget -q -O /dev/null --header 'Content-Type: application/json' \
    --post-data "{\"name\":\"Administrator\",\"email\":\"$ADMIN_EMAIL\",\"password\":\"$password\"}" \
    http://traccar:8082/api/users
echo "made the administrator $ADMIN_EMAIL"
