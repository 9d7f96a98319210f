#!/usr/bin/env bash
# install-compose.sh FOLDER: puts the Compose of a newer Debian into FOLDER, as a Docker configuration of its own: with
# DOCKER_CONFIG=FOLDER, `docker compose` is that version. The installed one stays as it is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=debian-source.sh
. "$here/debian-source.sh"
folder=$1
suite=forky

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/sources" "$work/lists/partial" "$work/cache/archives/partial"
debian_source "$suite" >"$work/sources/$suite.sources"
apt() {
  apt-get -q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/sources" -o Dir::Etc::preferencesparts=/dev/null \
    -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root "$@" >/dev/null
}
apt update
(cd "$work" && apt download docker-compose)
dpkg -x "$work"/docker-compose_*.deb "$work/package"
mkdir -p "$folder/cli-plugins"
find "$work/package" -name docker-compose -type f -perm -u+x -exec cp {} "$folder/cli-plugins/" \;
DOCKER_CONFIG="$folder" docker compose version
