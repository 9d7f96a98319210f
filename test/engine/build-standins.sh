#!/usr/bin/env bash
# Builds the stand-in images from Debian packages: build-standins.sh [name...]
# An image that carries the hash of its recipe is left as it is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=debian-source.sh
. "$here/debian-source.sh"
recipes=$here/standins
label=org.osgs.standin.recipe
base_image=osgs-standin-base:trixie
export DOCKER_BUILDKIT=0

# The image name of a recipe; the one shared base has no Dockerfile.
image_of() {
  if [ "$1" = base ]; then echo "$base_image"; else sed -n 's/^# image: //p' "$recipes/$1/Dockerfile"; fi
}

# The recipe that a recipe builds upon, if any.
parent_of() {
  [ "$1" != base ] || return 0
  local from name
  from=$(sed -n 's/^FROM //p' "$recipes/$1/Dockerfile")
  for name in $(all_recipes); do
    if [ "$(image_of "$name")" = "$from" ]; then echo "$name"; fi
  done
}

all_recipes() { (cd "$recipes" && printf '%s\n' */ | tr -d /); }

hash_of() {
  local parent
  parent=$(parent_of "$1")
  {
    (cd "$recipes/$1" && find . -type f -printf '%p %m\n' -exec sha256sum {} + | LC_ALL=C sort)
    if [ -n "$parent" ]; then hash_of "$parent"; fi
  } | sha256sum | cut -c1-32
}

build_base() {
  debian_source trixie >"$work/trixie.sources"
  "$recipes/base/build.sh" "$work/trixie.sources" |
    docker import --change "LABEL $label=$1" - "$base_image" >/dev/null
}

# A recipe may have a `context` script that fills the build folder further.
build_image() {
  local folder=$work/$1
  cp -a "$recipes/$1" "$folder"
  if [ -x "$folder/context" ]; then (cd "$folder" && ENGINE="$here" ./context >/dev/null); fi
  docker build --quiet --network host --label "$label=$2" --tag "$(image_of "$1")" "$folder" \
    >"$work/$1.log" 2>&1 || { cat "$work/$1.log" >&2; return 1; }
}

build() {
  local image hash parent start=$SECONDS
  parent=$(parent_of "$1")
  if [ -n "$parent" ]; then build "$parent"; fi
  case " $done_recipes " in *" $1 "*) return ;; esac
  image=$(image_of "$1")
  hash=$(hash_of "$1")
  if [ "$(docker image inspect --format "{{ index .Config.Labels \"$label\" }}" "$image" 2>/dev/null)" = "$hash" ]; then
    echo "kept   $image"
  else
    if [ "$1" = base ]; then build_base "$hash"; else build_image "$1" "$hash"; fi
    echo "built  $image in $((SECONDS - start)) s"
  fi
  done_recipes="$done_recipes $1"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
done_recipes=
if [ "$#" -eq 0 ]; then mapfile -t names < <(all_recipes); else names=("$@"); fi
for name in "${names[@]}"; do
  if [ ! -d "$recipes/$name" ]; then echo "no such stand-in: $name" >&2; exit 2; fi
  build "$name"
done
echo "done in $SECONDS s"
