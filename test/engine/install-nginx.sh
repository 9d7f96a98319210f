#!/usr/bin/env bash
# install-nginx.sh FOLDER: puts the nginx of a newer Debian, with the libraries that it needs, into FOLDER.
# What is emitted is for nginx 1.30; the stable release has 1.22, whose configuration knows neither `resolve` nor `http2`.
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
: >"$work/status"
# apt as on an empty machine: it fetches every package that nginx needs and installs none.
apt() {
  apt-get -q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/sources" -o Dir::Etc::preferencesparts=/dev/null \
    -o "Dir::State::lists=$work/lists" -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache" \
    -o APT::Sandbox::User=root "$@" >/dev/null
}
apt update
apt install -y --no-install-recommends --download-only nginx
rm -rf "$folder"
mkdir -p "$folder"
for package in "$work"/cache/archives/*.deb; do
  case ${package##*/} in
    nginx_* | libc6_* | libcrypt1_* | libpcre2-8-0_* | libzstd1_* | zlib1g_* | libssl3t64_*) dpkg -x "$package" "$folder" ;;
  esac
done
rm -rf "${folder:?}/usr/share"
cat >"$folder/nginx" <<'EOF'
#!/bin/sh
root=$(dirname "$(readlink -f "$0")")
loader=$(echo "$root"/usr/lib/*/ld-linux-*.so.*)
exec "$loader" --library-path "${loader%/*}" "$root/usr/sbin/nginx" "$@"
EOF
chmod 755 "$folder/nginx"
"$folder/nginx" -v
