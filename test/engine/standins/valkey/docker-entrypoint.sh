#!/bin/sh
# As valkey-container's: options alone go to the server; root gives /data to valkey and becomes it.
set -e
case ${1:-} in
-* | *.conf) set -- valkey-server "$@" ;;
esac
if [ "$1" = valkey-server ] && [ "$(id -u)" = 0 ]; then
    find . \! -user valkey -exec chown valkey '{}' +
    exec setpriv --reuid=valkey --regid=valkey --clear-groups -- "$0" "$@"
fi
if [ "$(umask)" = 0022 ]; then umask 0077; fi
exec "$@" ${VALKEY_EXTRA_FLAGS:-}
