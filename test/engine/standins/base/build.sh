#!/bin/sh
# Writes the shared root file system as a tar to stdout. $1: apt source file.
set -eu
exec mmdebstrap --quiet --variant=minbase --format=tar \
  --aptopt='Acquire::Check-Valid-Until "false"' \
  --aptopt='Acquire::Check-Date "false"' \
  --dpkgopt='force-unsafe-io' \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/info/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --customize-hook="copy-in $(dirname "$0")/add-packages /usr/local/sbin" \
  trixie - "$1"
