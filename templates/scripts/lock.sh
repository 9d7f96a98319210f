#!/bin/sh
# Pins images: writes the digest of each image behind its tag in compose.yaml, so that a tag cannot change unseen.
# lock.sh pins the images without a digest to the builds on this host, and fetches what is missing. lock.sh renew takes the
# newest build of every tag (with PULL=no what is on this host). lock.sh off removes the digests. lock.sh used succeeds where
# compose.yaml has digests that create-osgs did not write.
set -eu
cd "$(dirname "$0")/.."
action=${1:-lock}

images() { sed -n 's/^    image: //p' compose.yaml | sort -u; }

# The digest under which a registry gave NAME:TAG. An image that was built or loaded here has none.
digest_of() {
    name=${1%:*}
    name=${name#docker.io/}
    name=${name#library/}
    docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$1" 2>/dev/null |
        sed -n "s|^\(docker\.io/\)\{0,1\}\(library/\)\{0,1\}$name@\(sha256:[0-9a-f]\{64\}\)\$|\3|p" | tail -n 1
}

case $action in
used)
    for image in $(images | grep @); do
        grep -qxF "    image: $image" .osgs/base/compose.yaml 2>/dev/null || exit 0
    done
    exit 1
    ;;
off) edits='s/^\(    image: [^@]*\)@sha256:[0-9a-f]*$/\1/' ;;
lock | renew)
    edits=''
    for image in $(images); do
        plain=${image%@*}
        if [ "$action" = renew ]; then
            [ "${PULL:-yes}" = no ] || docker pull -q "$plain" >/dev/null
        else
            [ "$plain" = "$image" ] || continue
            docker image inspect "$plain" >/dev/null 2>&1 || docker pull -q "$plain" >/dev/null
        fi
        digest=$(digest_of "$plain")
        if [ -n "$digest" ]; then
            pattern=$(printf '%s' "$plain" | sed 's/\./\\./g')
            edits="$edits
s|^    image: $pattern\(@sha256:[0-9a-f]*\)\{0,1\}\$|    image: $plain@$digest|"
        elif [ "$plain" = "$image" ]; then
            echo "$plain stays without a digest: it was built or loaded here" >&2
        else
            echo "$plain keeps its digest: no other build is on this host" >&2
        fi
    done
    ;;
*)
    echo "lock.sh does not know '$action': give it renew, off or used" >&2
    exit 2
    ;;
esac

changed=$(mktemp)
trap 'rm -f "$changed"' EXIT
sed "$edits" compose.yaml >"$changed"
if cmp -s "$changed" compose.yaml; then
    echo "compose.yaml is unchanged: $(images | grep -c @) of $(images | wc -l | tr -d ' ') images are pinned"
    exit 0
fi
# In place: the file keeps its owner and mode.
cat "$changed" >compose.yaml
echo "compose.yaml is changed: $(images | grep -c @) of $(images | wc -l | tr -d ' ') images are pinned. Commit it."
