#!/bin/sh
# Writes the secrets of .env that containers read as files into .secrets/: those that compose.yaml and
# compose.override.yaml name as ./.secrets/NAME. .env is where they are changed. The folder is closed to everybody else, and
# its files are not: Docker mounts them one by one, and whoever a container runs as must be able to read its own.
set -eu
export LC_ALL=C
cd "$(dirname "$0")/.."
names=$(cat compose.yaml compose.override.yaml 2>/dev/null | sed -nE 's,^ *file: *"?\./\.secrets/([A-Z][A-Z0-9_]*)"? *$,\1,p' | sort -u)
[ -n "$names" ] || exit 0
umask 077
mkdir -p .secrets
chmod 700 .secrets
[ -e .secrets/.gitignore ] || echo '*' >.secrets/.gitignore

fail() {
    echo "$*" >&2
    exit 1
}
# value_of KEY: of the environment, or else of .env, as Compose has it. What could be read in two ways is refused.
value_of() {
    if value=$(printenv "$1"); then
        printf '%s' "$value"
        return
    fi
    value=$(sed -nE "s/^[[:blank:]]*(export[[:blank:]]+)?$1[[:blank:]]*=[[:blank:]]*//p" .env | tail -n 1 | sed -E 's/[[:space:]]+$//')
    case $value in
    \'*\')
        value=${value#?} && value=${value%?}
        case $value in *\'*) return 1 ;; esac
        ;;
    \"*\")
        value=${value#?} && value=${value%?}
        case $value in *[\"\\\$]*) return 1 ;; esac
        ;;
    *[[:space:]\"\'\\\$\#\`]*) return 1 ;;
    esac
    printf '%s' "$value"
}

for name in $names; do
    value=$(value_of "$name") ||
        fail "$name in .env may be read in other ways than it is written: put the value between single quotes, with none inside"
    [ -n "$value" ] || fail "$name is missing in .env: give it a value, 'sh scripts/env.sh new letters' prints one"
    # Docker makes a folder where it finds no file to mount, if it is told so.
    [ ! -d ".secrets/$name" ] || rmdir ".secrets/$name"
    if [ -e ".secrets/$name" ]; then
        [ "$(cat ".secrets/$name")" != "$value" ] || continue
        # Compose does not see that the content is another: scripts/up.sh reads this.
        echo "/run/secrets/$name" >>.secrets/.changed
    fi
    temporary=$(mktemp .secrets/.new.XXXXXX)
    printf '%s' "$value" >"$temporary"
    chmod 444 "$temporary"
    mv -f "$temporary" ".secrets/$name"
done
for file in .secrets/[A-Z]*; do
    [ ! -e "$file" ] || printf '%s\n' "$names" | grep -qx -- "${file#.secrets/}" || rm -f "$file"
done
