#!/usr/bin/env bash
# Installs what the real-tool lanes need on a new Debian machine; run as root.
#   install-engine.sh tools    linters, nginx binary, docker CLI, Compose plugin
#   install-engine.sh engine   the above, mmdebstrap, wrk and a running dockerd
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=debian-source.sh
. "$here/debian-source.sh"

state=${OSGS_ENGINE_STATE:-${TMPDIR:-/tmp}/osgs-engine}
suite=trixie
export DEBIAN_FRONTEND=noninteractive

say() { printf '[install-engine] %s\n' "$*"; }

# apt-get update, at most once a run and only when something is missing.
updated=
apt_update() {
  if [ -z "$updated" ]; then apt-get update -q >/dev/null; updated=yes; fi
}

# Installs packages without letting any of them start a service.
apt_install() {
  local policy=/usr/sbin/policy-rc.d own=
  apt_update
  if [ ! -e "$policy" ]; then
    own=yes
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  local status=0
  apt-get install -y -q --no-install-recommends "$@" >/dev/null || status=$?
  if [ -n "$own" ]; then rm -f "$policy"; fi
  return "$status"
}

# need COMMAND PACKAGE: adds PACKAGE to the list when COMMAND is absent.
missing=()
need() {
  command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] || missing+=("$2")
}

install_missing() {
  if [ "${#missing[@]}" -gt 0 ]; then
    say "installing ${missing[*]}"
    apt_install "${missing[@]}"
  fi
  missing=()
}

# A low-priority source for the newer suite: only what is asked from it comes from it.
add_suite() {
  local source=/etc/apt/sources.list.d/osgs-engine.sources
  if [ -e "$source" ] || debian_archive | grep -q " $suite "; then return; fi
  debian_source "$suite" >"$source"
  printf 'Package: *\nPin: release n=%s\nPin-Priority: 50\n' "$suite" \
    >/etc/apt/preferences.d/osgs-engine
  updated=
}

install_compose() {
  if docker compose version 2>/dev/null | grep -q 'v\?[2-9]\.'; then return; fi
  say "installing docker-compose from $suite"
  apt_update
  add_suite
  apt_install "docker-compose/$suite"
  docker compose version >/dev/null
}

# Beside the installed one: some tests run with both.
install_newer_compose() {
  if [ -x /opt/osgs-compose/cli-plugins/docker-compose ]; then return; fi
  say 'unpacking a newer Compose'
  "$here/install-compose.sh" /opt/osgs-compose >/dev/null
}

# The distribution's package brings mime.types and the folders, a newer one the program.
install_nginx() {
  local newest
  newest=$({ nginx -v 2>&1 | sed 's,.*/,,'; echo 1.27.4; } | sort -V | tail -n 1)
  if [ "$newest" != 1.27.4 ]; then return; fi
  say 'installing a newer nginx'
  "$here/install-nginx.sh" /opt/osgs-nginx 2>/dev/null
  ln -sf /opt/osgs-nginx/nginx /usr/local/bin/nginx
  hash -r
}

install_tools() {
  local fresh_nginx=
  need nginx nginx
  if [ "${#missing[@]}" -gt 0 ]; then fresh_nginx=yes; fi
  need docker docker.io
  need shellcheck shellcheck
  need yamllint yamllint
  need make make
  need openssl openssl
  need curl curl
  need git git
  need ssh openssh-client
  install_missing
  if [ -n "$fresh_nginx" ]; then update-rc.d nginx disable >/dev/null 2>&1 || true; fi
  install_nginx
  install_compose
}

install_engine() {
  need dockerd docker.io
  need iptables iptables
  need mmdebstrap mmdebstrap
  need wrk wrk
  install_missing
  install_newer_compose
}

start_engine() {
  if docker info >/dev/null 2>&1; then return; fi
  mkdir -p "$state"
  say "starting dockerd, log in $state/dockerd.log"
  nohup setsid dockerd >"$state/dockerd.log" 2>&1 </dev/null &
  echo "$!" >"$state/dockerd.pid"
  for _ in $(seq 60); do
    if docker info >/dev/null 2>&1; then return; fi
    if ! kill -0 "$(cat "$state/dockerd.pid")" 2>/dev/null; then break; fi
    sleep 1
  done
  tail -n 20 "$state/dockerd.log" >&2
  say 'dockerd did not come up' >&2
  return 1
}

case ${1:-} in
  tools)
    install_tools
    ;;
  engine)
    install_tools
    install_engine
    start_engine
    ;;
  *)
    sed -n '2,4s/^# //p' "$0" >&2
    exit 2
    ;;
esac
say "$(docker compose version)"
