#!/bin/sh
# Adds the password to the configuration and starts Valkey: on the command line everybody on the host could read it.
set -eu
umask 077
password=$(cat /run/secrets/VALKEY_PASSWORD)
case $password in
'' | *[!A-Za-z0-9._~-]*)
    echo "VALKEY_PASSWORD may have letters, digits and . _ ~ - only" >&2
    exit 1
    ;;
esac
{
    cat /etc/valkey/valkey.conf
    printf 'requirepass %s\n' "$password"
} >/run/valkey/valkey.conf
exec valkey-server /run/valkey/valkey.conf
