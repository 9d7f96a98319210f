#!/bin/bash
# As node-red-docker's.
trap 'kill -TERM "$PID"; wait "$PID"' TERM INT
# shellcheck disable=SC2086
node $NODE_OPTIONS node_modules/node-red/red.js --userDir /data $FLOWS "$@" &
PID=$!
wait "$PID"
