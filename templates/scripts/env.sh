#!/bin/sh
# Makes .env from .env.example: a key without a value is a secret and gets 32 letters and digits, of each kind
# at least one, or what the line above it says. Never changes a .env. Then has scripts/secrets.sh write its secrets as files. `env.sh new letters` and `env.sh new hex` print a secret.
set -eu
export LC_ALL=C
cd "$(dirname "$0")/.."
[ "${1:-}" = new ] || [ ! -e .env ] || exec sh scripts/secrets.sh
umask 077
mixed() {
    case $1 in *[0-9]*) ;; *) return 1 ;; esac
    case $1 in *[a-z]*) ;; *) return 1 ;; esac
    case $1 in *[A-Z]*) ;; *) return 1 ;; esac
}
secret() {
    if [ "$1" = hex ]; then
        head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'
        return
    fi
    value=
    until mixed "$value"; do
        # Enough random bytes that 32 letters and digits are among them.
        value=$(head -c 4096 /dev/urandom | tr -dc 'A-Za-z0-9' | cut -c1-32)
        [ "${#value}" -eq 32 ] || { echo "no randomness from /dev/urandom" >&2; exit 1; }
    done
    printf '%s' "$value"
}
if [ "${1:-}" = new ]; then
    secret "$2"
    exit
fi
temporary=$(mktemp .env.XXXXXX)
trap 'rm -f "$temporary"' EXIT
format=letters
while IFS= read -r line || [ -n "$line" ]; do
    case $line in
    '# 64 hexadecimal digits:')
        format=hex
        printf '%s\n' "$line"
        ;;
    \#*) printf '%s\n' "$line" ;;
    *=)
        value=$(secret "$format")
        printf '%s%s\n' "$line" "$value"
        format=letters
        ;;
    *) printf '%s\n' "$line" ;;
    esac
done <.env.example >"$temporary"
chmod 600 "$temporary"
mv "$temporary" .env
trap - EXIT
echo "made .env with new secrets"
exec sh scripts/secrets.sh
