#!/bin/sh
# As eclipse-mosquitto's: root gives the folders to mosquitto, which the program itself becomes.
set -e
if [ "$(id -u)" = 0 ] && [ -d /mosquitto ]; then chown -R mosquitto:mosquitto /mosquitto || true; fi
exec "$@"
