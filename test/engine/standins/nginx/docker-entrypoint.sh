#!/bin/sh
# When the command is nginx: runs the executable scripts of /docker-entrypoint.d first.
set -e
log() { [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] || echo "$0: $*"; }

case ${1:-} in
  nginx | nginx-debug)
    find /docker-entrypoint.d/ -follow -type f | sort -V | while read -r script; do
      if [ ! -x "$script" ]; then
        log "not executable, ignored: $script"
        continue
      fi
      # shellcheck source=/dev/null
      case $script in
        *.envsh) log "sourcing $script"; . "$script" ;;
        *.sh) log "running $script"; "$script" ;;
        *) log "ignored: $script" ;;
      esac
    done
    log 'ready for start up'
    ;;
esac
exec "$@"
