#!/bin/sh
# A command that is a program is run; else they are options of the server.
if command -v -- "${1:-}" >/dev/null; then exec "$@"; fi
exec node /usr/src/app/ "$@"
