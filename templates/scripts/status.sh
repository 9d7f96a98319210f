#!/bin/sh
# Says what runs from which image, its health and what it uses, and which images are newer. `make status updates=1` also asks
# the registries, once for each image, whether they have another build of the same tag: a base image with its holes mended.
# Newer tags are not looked for here: which of them fit is known by create-osgs, and Renovate and Diun list them.
set -eu
cd "$(dirname "$0")/.."
docker compose ps -a --format 'table {{.Service}}\t{{.Image}}\t{{.Status}}'
ids=$(docker compose ps -q)
# shellcheck disable=SC2086
[ -z "$ids" ] || docker stats --no-stream --format 'table {{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}' $ids
echo

# Lines "SERVICE IMAGE" of compose.yaml, as it is now.
wanted=$(docker compose config | tr -d '"' | awk '
    /^[a-z]/ { part = $1 }
    /^  [^ ]+:$/ { name = substr($1, 1, length($1) - 1) }
    part == "services:" && /^    image: / { print name, $2 }')

changed=0
for id in $ids; do
    # shellcheck disable=SC2046
    set -- $(docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}} {{.Config.Image}} {{.Image}}' "$id")
    image=$(printf '%s\n' "$wanted" | awk -v name="$1" '$1 == name { print $2 }')
    here=$(docker image inspect --format '{{.ID}}' "$image" 2>/dev/null) || here=''
    if [ -n "$image" ] && [ "$image" != "$2" ]; then
        echo "$1 runs $2, compose.yaml names $image: make upgrade"
    elif [ -n "$here" ] && [ "$here" != "$3" ]; then
        echo "$1 runs an older build of $image than the one that was pulled: make up"
    else
        continue
    fi
    changed=1
done
[ "$changed" -eq 1 ] || echo "What runs is what compose.yaml names."

if [ -z "${updates:-}" ]; then
    echo "Another build of the same tags: make status updates=1. Newer versions: npm create osgs@latest diff, or Renovate's proposals."
    exit 0
fi
# What a registry has under an image's tag, as text with its digests; nothing is pulled. `docker compose config
# --resolve-image-digests` would say it, but does nothing in some versions (2.26).
there() {
    docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$1" 2>/dev/null && return
    # Docker takes a registry on the host itself without TLS, this command has to be told.
    case $1 in
    localhost:* | 127.*) docker manifest inspect --verbose --insecure "$1" 2>/dev/null ;;
    *) docker manifest inspect --verbose "$1" 2>/dev/null ;;
    esac || true
}
printf '%s\n' "$wanted" | cut -d ' ' -f 2 | sort -u | while read -r image; do
    # The digest of what was pulled, or that of the image itself, is in what its registry tells.
    here=$(docker image inspect --format '{{.ID}} {{.RepoDigests}}' "$image" 2>/dev/null | grep -o 'sha256:[0-9a-f]*') || here=''
    # Where a digest is pinned, the question is about the tag.
    found=$(there "${image%@*}" </dev/null)
    if [ -z "$found" ]; then
        echo "$image: its registry gives no answer"
    elif [ -z "$here" ]; then
        echo "$image: is not here yet: make pull"
    elif printf '%s\n' "$found" | grep -qF "$here"; then
        echo "$image: is the newest build of this tag"
    else
        echo "$image: THERE IS A NEWER BUILD of this tag: make upgrade"
    fi
done
