#!/bin/sh
# Certificates of an ACME authority: asks for one per domain, renews them, and lays them out for nginx.
# CERTIFICATE_NAMES holds the domains with their aliases: "a.example.org,www.a.example.org b.example.org".
set -eu

host_of() { printf '%s' "${1%%,*}"; }

if [ "${1:-}" = check ]; then
    for names in $CERTIFICATE_NAMES; do
        openssl x509 -in "/certificates/$(host_of "$names")/fullchain.pem" -noout || exit 1
    done
    exit 0
fi

umask 077
trap 'exit 0' TERM INT
# An authority of its own folder: certificates for trials are not taken for real ones.
state=/etc/letsencrypt/$(printf '%s' "${ACME_SERVER#https://}" | tr -c 'A-Za-z0-9.-' '_')

# install HOST KEY CHAIN: lays a certificate out for nginx, which reads it anew when it has changed.
install() {
    mkdir -p "/certificates/$1"
    cp "$2" "/certificates/$1/privkey.new"
    cp "$3" "/certificates/$1/fullchain.new"
    mv "/certificates/$1/privkey.new" "/certificates/$1/privkey.pem"
    mv "/certificates/$1/fullchain.new" "/certificates/$1/fullchain.pem"
}

# Without a certificate nginx does not start, and without nginx no domain can be proven.
placeholder() {
    if openssl x509 -in "/certificates/$1/fullchain.pem" -noout -checkend 86400 >/dev/null 2>&1; then return; fi
    work=$(mktemp -d)
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -sha256 -subj "/CN=$1" \
        -addext "subjectAltName=DNS:$1" -keyout "$work/key" -out "$work/chain" 2>/dev/null
    install "$1" "$work/key" "$work/chain"
    rm -r "$work"
    echo "$1: made a certificate of our own until a real one arrives"
}

deploy() {
    live=$state/live/$1
    if [ ! -s "$live/fullchain.pem" ] || cmp -s "$live/fullchain.pem" "/certificates/$1/fullchain.pem"; then return; fi
    install "$1" "$live/privkey.pem" "$live/fullchain.pem"
    echo "$1: laid out for nginx, $(openssl x509 -in "$live/fullchain.pem" -noout -enddate)"
}

# The authority will ask nginx; asking before nginx answers would only use up attempts.
answers() {
    python3 - "$1" <<'PYTHON' 2>/dev/null
import sys, urllib.request
request = urllib.request.Request("http://nginx/.well-known/acme-challenge/ready", headers={"Host": sys.argv[1]})
urllib.request.urlopen(request, timeout=5)
PYTHON
}

obtain() {
    host=$(host_of "$1")
    if [ -n "$EMAIL" ]; then set -- "$1" --email "$EMAIL" --no-eff-email; else set -- "$1" --register-unsafely-without-email; fi
    names=$1
    shift
    # CHALLENGE is split into its words on purpose.
    # shellcheck disable=SC2086
    certbot certonly --non-interactive --agree-tos --quiet --server "$ACME_SERVER" --config-dir "$state" "$@" $CHALLENGE \
        --cert-name "$host" --domains "$names" --keep-until-expiring --renew-with-new-domains --key-type ecdsa || return 1
    deploy "$host"
}

for names in $CERTIFICATE_NAMES; do
    host=$(host_of "$names")
    deploy "$host"
    placeholder "$host"
done

case $CHALLENGE in *--webroot*) webroot=yes ;; *) webroot=no ;; esac
mkdir -p /challenges/.well-known/acme-challenge
echo ready >/challenges/.well-known/acme-challenge/ready
# The workers of nginx are another user.
chmod 755 /challenges /challenges/.well-known /challenges/.well-known/acme-challenge
chmod 644 /challenges/.well-known/acme-challenge/ready

# Certbot itself decides what is due: by what the authority advises (ARI), or in the last third of a certificate's life.
# After a refusal it asks again in a minute, in ten, and then every hour: five refusals an hour are the authority's limit.
refused=0
while :; do
    missing=no waiting=no
    for names in $CERTIFICATE_NAMES; do
        host=$(host_of "$names")
        placeholder "$host"
        if [ "$webroot" = yes ] && ! answers "$host"; then
            waiting=yes
            echo "$host: nginx does not answer yet"
        elif ! obtain "$names"; then
            missing=yes
            echo "$host: no certificate this time"
        fi
    done
    case $waiting$missing$refused in
    yes*) pause=10 ;;
    nono*) pause=43200 refused=0 ;;
    noyes0) pause=60 refused=1 ;;
    noyes1) pause=600 refused=2 ;;
    *) pause=3600 ;;
    esac
    sleep "$pause" &
    wait $!
done
