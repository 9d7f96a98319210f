#!/bin/sh
# What the scripts for backups share. They read it in the folder of the repository.
umask 077
format='create-osgs backup 1'
tab=$(printf '\t')
# Another project than that of this folder, and another .env, where a script sets them.
project=''
env_file=''
# The backup that is read.
from=''

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
fail() {
    warn "$*"
    exit 1
}

compose() { docker compose ${env_file:+--env-file "$env_file"} ${project:+-p "$project"} "$@"; }

# The lines of scripts/state.txt and of the owner's scripts/state.local.
plan() {
    for part in scripts/state.txt scripts/state.local; do
        [ ! -f "$part" ] || grep -E '^[a-z]' "$part"
    done
}
stack=$(plan | awk '$1 == "stack" { print $2 }')

# The services that keep something, in their order.
keepers() { plan | awk '$1 ~ /^(server|database|volume|folder)$/ && !seen[$2]++ { print $2 }'; }

# scope_of NAME: the service of that name or other name, or db-NAME for one database.
scope_of() {
    case $1 in db-?*) plan | grep -q '^server ' && { say "$1" && return; } ;; esac
    wanted=$(plan | awk -v name="$1" '$1 == "name" && $3 == name { print $2; exit }')
    wanted=${wanted:-$1}
    keepers | grep -qx -- "$wanted" ||
        fail "'$1' keeps nothing that is backed up; there are: $(keepers | tr '\n' ' ')"
    say "$wanted"
}

# value_of KEY: of the environment, or else of .env.
value_of() {
    value=$(printenv "$1") || value=$(sed -n "s/^$1=//p" .env 2>/dev/null | tail -n 1)
    case $value in
    \"*\" | \'*\') value=${value#?} && value=${value%?} ;;
    esac
    printf '%s' "$value"
}

# What Compose makes of the stack: lines "image CONTAINER IMAGE" and "volume NAME NAME-IN-DOCKER".
read_model() {
    configuration=$(compose config) || fail "docker compose config fails: nothing was changed"
    model=$(printf '%s\n' "$configuration" | tr -d '"' | awk '
        /^[a-z]/ { part = $1 }
        /^  [^ ]+:$/ { name = substr($1, 1, length($1) - 1) }
        part == "services:" && /^    image: / { print "image", name, $2 }
        part == "volumes:" && /^    name: / { print "volume", name, $2 }')
    tools=$(image_of "$(plan | awk '$1 == "tools" { print $2 }')")
}
image_of() { printf '%s\n' "$model" | awk -v name="$1" '$1 == "image" && $2 == name { print $3 }'; }
volume_of() { printf '%s\n' "$model" | awk -v name="$1" '$1 == "volume" && $2 == name { print $3 }'; }

# A program of an image that is here anyway, over what is mounted, and out of reach of everything else. Without a log:
# Docker would write all that comes out into it.
in_box() {
    docker run --rm -i --network none --log-driver none --read-only --cap-drop ALL --security-opt no-new-privileges "$@"
}

# pack WHAT live|stop [OPTION OF TAR]...: an archive of a volume or folder, to standard output. Of what is being written
# to, the archive holds the files as they were when tar came by.
pack() {
    what=$1
    tolerated=0
    [ "$2" = stop ] || tolerated=1
    shift 2
    # shellcheck disable=SC2016
    in_box --user 0 --cap-add DAC_OVERRIDE -v "$what:/data:ro" --entrypoint sh "$tools" -c '
        tolerated=$1
        shift
        tar -C /data --numeric-owner --sparse --use-compress-program "gzip --rsyncable" "$@" -cf - .
        [ $? -le "$tolerated" ]' sh "$tolerated" "$@"
}

# unpack WHAT: the other way, from standard input; a volume is emptied before: unpack WHAT empty.
unpack() {
    # shellcheck disable=SC2016
    in_box --user 0 --cap-add CHOWN --cap-add DAC_OVERRIDE --cap-add FOWNER --cap-add FSETID -v "$1:/data" --entrypoint sh "$tools" -c '
        [ -z "$1" ] || find /data -mindepth 1 -delete
        tar -C /data --numeric-owner -xpzf -' sh "${2:-}"
}

# --- databases

# inside SERVER COMMAND...: in its container, or in the one that the drill has in its place
inside() {
    if [ -n "${stand_in:-}" ]; then
        shift
        docker exec -i "$stand_in" "$@"
    else
        compose exec -T "$@"
    fi
}
# sql SERVER USER [psql's options], the statements on standard input
sql() {
    server=$1 user=$2
    shift 2
    inside "$server" psql -X -q -A -t -v ON_ERROR_STOP=1 -U "$user" "$@"
}
databases_of() {
    echo 'select datname from pg_database where datallowconn and not datistemplate order by 1' | sql "$1" "$2" -d postgres
}
major_of() { echo "select current_setting('server_version_num')::int / 10000" | sql "$1" "$2" -d postgres; }
user_of() { plan | awk -v server="$1" '$1 == "server" && $3 == server { print $4 }'; }

# restore_roles SERVER USER: what pg_dumpall says, for a server that may have some of the roles already.
restore_roles() {
    # shellcheck disable=SC2016
    sed -E 's/^CREATE ROLE (.*);$/DO $osgs$ BEGIN CREATE ROLE \1; EXCEPTION WHEN duplicate_object THEN NULL; END $osgs$;/' |
        sql "$1" "$2" -d postgres >/dev/null
}
# restore_database SERVER USER NAME
restore_database() {
    maintenance=postgres
    [ "$3" != postgres ] || maintenance=template1
    if drop_database "$@" && content_of database "$1/$3" |
        inside "$1" pg_restore -U "$2" -d "$maintenance" --create --exit-on-error 2>/dev/null; then :; else
        # pg_restore finds nothing without its schema, and people's functions call those of PostGIS without: where a generated
        # column or a check needs such a function, the schemas must be in the path.
        schemas=$(content_of database "$1/$3" | inside "$1" pg_restore --list |
            sed -nE 's/^[0-9]+; [0-9]+ [0-9]+ SCHEMA - ([A-Za-z0-9_]+) [^ ]+$/, "\1"/p' | tr -d '\n')
        drop_database "$@" && content_of database "$1/$3" | inside "$1" pg_restore --create -f - |
            sed "1,/^COPY /s/^SELECT pg_catalog.set_config('search_path', '', false);\$/SELECT pg_catalog.set_config('search_path', 'public$schemas', false);/" |
            sql "$1" "$2" -d "$maintenance" >/dev/null || return 1
    fi
    echo 'ANALYZE' | sql "$1" "$2" -d "$3"
}
drop_database() {
    printf '%s\n' 'SET client_min_messages = warning;' 'DROP DATABASE IF EXISTS :"name" WITH (FORCE)' |
        sql "$1" "$2" -d "$maintenance" -v name="$3"
}

# wait_healthy ID...: until containers are up again, five minutes at most
wait_healthy() {
    for id in "$@"; do
        waited=0
        while :; do
            health=$(docker inspect --format '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}}' "$id")
            case $health in "running healthy" | "running " | "exited "*) break ;; esac
            [ "$waited" -lt 300 ] || return 1
            sleep 1
            waited=$((waited + 1))
        done
    done
}

# --- encryption: gpg, with a passphrase or for the owner of a public key

# Decides how, from .env.
choose_encryption() {
    passphrase=$(value_of BACKUP_PASSPHRASE)
    recipient=$(value_of BACKUP_RECIPIENT)
    encryption=none
    [ -z "$passphrase" ] || encryption=passphrase
    [ -z "$recipient" ] || encryption=recipient
    [ "$encryption" = none ] || command -v gpg >/dev/null || fail "gpg is not installed, and .env asks for encryption"
    [ -z "$recipient" ] || [ -s "$recipient" ] || fail "BACKUP_RECIPIENT: there is no file $recipient"
}
encrypt() {
    case $encryption in
    passphrase)
        gpg --batch --quiet --no-tty --pinentry-mode loopback --passphrase-fd 3 --symmetric --cipher-algo AES256 \
            --compress-algo none --output - 3<<-END
			$passphrase
		END
        ;;
    recipient)
        gpg --batch --quiet --no-tty --trust-model always --recipient-file "$recipient" --encrypt \
            --compress-algo none --output -
        ;;
    esac
}
# decode FILE: its content, to standard output
decode() {
    case $1 in
    *.gpg)
        if [ "$encryption" = passphrase ]; then
            gpg --batch --quiet --no-tty --pinentry-mode loopback --passphrase-fd 3 --decrypt "$1" 3<<-END
				$passphrase
			END
        else
            gpg --quiet --decrypt "$1"
        fi
        ;;
    *) cat "$1" ;;
    esac
}

# --- one at a time

lock() {
    mkdir -p backups
    [ -e backups/.gitignore ] || echo '*' >backups/.gitignore
    if ! mkdir backups/.lock 2>/dev/null; then
        owner=$(cat backups/.lock/pid 2>/dev/null || true)
        if [ -n "$owner" ] && kill -0 "$owner" 2>/dev/null; then fail "process $owner is at work on the backups: try later"; fi
        rm -rf backups/.lock
        mkdir backups/.lock
    fi
    echo "$$" >backups/.lock/pid
}
unlock() { rm -rf backups/.lock; }

# --- for whoever watches

# figures FILE TEXT: writes figures in Prometheus's form where a service of this stack reads them.
figures() {
    plan | awk '$1 == "figures" { print $3 }' | while read -r folder; do
        [ -d "$folder" ] || continue
        printf '%s\n' "$2" >"$folder/.$1.new"
        # Its reader is another user.
        chmod 644 "$folder/.$1.new"
        mv "$folder/.$1.new" "$folder/$1.prom"
    done || warn "the figures of backups were not written"
}
# figure NAME HELP VALUE
figure() { printf '# HELP %s %s\n# TYPE %s gauge\n%s %s\n' "$1" "$2" "$1" "$1" "$3"; }
# backup_figures CODE: how the last run of a whole backup ended, and how old and large the newest is that is there.
backup_figures() {
    latest=$(backups | grep -E '^[^-]+-[^-]+-[^-]+Z$' | tail -n 1)
    figures backup "$(
        figure osgs_backup_last_run_success 'Whether the last run made a backup.' "$([ "$1" -eq 0 ] && echo 1 || echo 0)"
        figure osgs_backup_last_run_timestamp_seconds 'When it ended.' "$(date +%s)"
        [ -z "$latest" ] || figure osgs_backup_last_success_timestamp_seconds 'When the newest backup of the whole stack was made.' "$(date -r "backups/$latest/SHA256SUMS" +%s)"
        [ -z "$latest" ] || figure osgs_backup_bytes 'What it takes.' "$(($(du -sk "backups/$latest" | cut -f 1) * 1024))"
    )"
}

# --- a backup that is there

# Names of whole backups, the newest last.
backups() {
    for found in backups/[0-9]*; do
        [ ! -f "$found/MANIFEST" ] || [ ! -f "$found/SHA256SUMS" ] || basename "$found"
    done
}
# folder_of FROM: a path, the name of a folder in backups/, or "latest"
folder_of() {
    case $1 in
    '') fail "Say which backup: from=latest, or a name that 'make backups' lists" ;;
    latest)
        found=$(backups | grep -E '^[^-]+-[^-]+-[^-]+Z$' | tail -n 1)
        [ -n "$found" ] || fail "there is no backup of the whole stack in backups/"
        say "backups/$found"
        ;;
    *) if [ -d "$1" ]; then say "${1%/}"; else say "backups/${1%/}"; fi ;;
    esac
}
# fields KEY: the rest of a manifest's lines that begin with it
fields() { sed -n "s/^$1$tab//p" "$from/MANIFEST"; }
# file_of KIND NAME: the file of an entry, nothing where there is none
file_of() { fields entry | awk -F "$tab" -v kind="$1" -v name="$2" '$1 == kind && $3 == name { print $4 }'; }
# content_of KIND NAME: the same, read
content_of() { decode "$from/$(file_of "$1" "$2")"; }

# Checks all of the backup $from that can be checked without a change; ends, with the name of what is wrong.
verify() {
    for name in MANIFEST SHA256SUMS; do
        [ -f "$from/$name" ] || fail "$from is not a whole backup: there is no $name in it. Nothing was changed."
    done
    say "checking $from"
    sums=$(cd "$from" && sha256sum -c SHA256SUMS 2>/dev/null) || true
    for name in "$from"/*; do
        name=$(basename "$name")
        [ "$name" != SHA256SUMS ] || continue
        printf '%s\n' "$sums" | grep -qxF -- "$name: OK" || fail "$from/$name is damaged: it is not what was written then. Nothing was changed."
    done
    [ "$(head -n 1 "$from/MANIFEST")" = "$format" ] ||
        fail "$from was written by another version of create-osgs, in a form that this one does not read. Nothing was changed."
    [ "$(fields stack)" = "$stack" ] ||
        fail "$from is a backup of the stack '$(fields stack)', and this is '$stack'. Nothing was changed."
    fields entry | cut -f 4 | while read -r name; do
        case $name in
        *[!A-Za-z0-9._-]* | .*) fail "$from/MANIFEST names a file '$name'. Nothing was changed." ;;
        esac
        [ -f "$from/$name" ] || fail "$from/$name is missing. Nothing was changed."
    done || exit 1
    encryption=$(fields encryption)
    [ "$encryption" = none ] || command -v gpg >/dev/null || fail "the backup is encrypted, and gpg is not installed"
    passphrase=''
    if [ "$encryption" = passphrase ]; then
        passphrase=$(value_of BACKUP_PASSPHRASE)
        if [ -z "$passphrase" ] && [ -t 0 ]; then
            printf 'Passphrase of the backup: ' >&2
            stty -echo
            IFS= read -r passphrase || true
            stty echo
            warn ''
        fi
        [ -n "$passphrase" ] || fail "the backup is encrypted: BACKUP_PASSPHRASE=... make restore ..."
    fi
    for name in "$from"/*.gpg; do
        [ ! -f "$name" ] || decode "$name" >/dev/null || fail "$name cannot be decrypted. Nothing was changed."
    done
}

# The first number in an image's tag.
number_of() { printf '%s' "${1##*:}" | sed -E 's/^[^0-9]*([0-9]*).*$/\1/'; }

# verify_majors LINES: the lines of the plan whose software must not be older than it was.
verify_majors() {
    fields server | while IFS="$tab" read -r server before; do
        image=$(image_of "$server")
        [ -n "$image" ] || continue
        now=$(docker run --rm --network none --entrypoint pg_dump "$image" --version </dev/null | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
        [ "$before" -le "${now:-0}" ] ||
            fail "the backup is of PostgreSQL $before, and $image is PostgreSQL ${now:-?}: it cannot read it. Nothing was changed."
    done || exit 1
    fields image | while IFS="$tab" read -r container image; do
        case " $(printf '%s' "$1" | tr ',\n' '  ') " in *" $container "*) ;; *) continue ;; esac
        now=$(image_of "$container")
        # A digest behind the tag says nothing of the version.
        image=${image%@*} now=${now%@*}
        [ "${image%:*}" = "${now%:*}" ] || continue
        before=$(number_of "$image")
        after=$(number_of "$now")
        # A tag without a number says nothing.
        [ -z "$before" ] || [ -z "$after" ] || [ "$before" -le "$after" ] ||
            fail "the backup is of $image, and this stack has $now, an older major version: it may not read the data. Nothing was changed."
    done || exit 1
}
