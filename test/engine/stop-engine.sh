#!/usr/bin/env bash
# Ends the dockerd that install-engine.sh started; any other engine is left alone.
set -euo pipefail
state=${OSGS_ENGINE_STATE:-${TMPDIR:-/tmp}/osgs-engine}
pid=$(cat "$state/dockerd.pid" 2>/dev/null) || { echo 'no engine of ours'; exit 0; }
if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]; then
  kill "$pid"
  for _ in $(seq 60); do
    [ -e "/proc/$pid" ] || break
    sleep 1
  done
fi
rm -f "$state/dockerd.pid"
