#!/bin/sh
# Puts a backup back, whole or what one service keeps: restore.sh FROM [SERVICE]. FROM is a folder, its name in backups/
# or "latest". Checks everything before it changes anything; asks before it overwrites, but for yes=1 in the environment.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=scripts/backup-lib.sh
. scripts/backup-lib.sh

from=$(folder_of "${1:-}")
scope=''
[ -z "${2:-}" ] || scope=$(scope_of "$2")
verify

work=''
begun=''
# shellcheck disable=SC2317,SC2329
finish() {
    code=$?
    [ -z "$work" ] || rm -rf "$work"
    unlock
    if [ "$code" -ne 0 ] && [ -n "$begun" ]; then
        warn "THE RESTORE DID NOT FINISH, and what was to be restored is stopped. See what is wrong above, then run it again."
    fi
    exit "$code"
}
lock
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
work=backups/.restore
rm -rf "$work"
mkdir "$work"

# The lines of the plan that are to be restored.
case $scope in
'') plan ;;
db-*) plan | grep '^server ' ;;
*) plan | awk -v service="$scope" '$2 == service' ;;
esac | grep -E '^(server|database|volume|folder) ' >"$work/plan"

# The whole stack comes back with the .env of then: its passwords are those that the data was made with.
whole=''
if [ -z "$scope" ] && [ -n "$(file_of env .env)" ]; then
    whole=yes
    content_of env .env >"$work/dot-env"
    env_file=$work/dot-env
fi
read_model
verify_majors "$(cut -d ' ' -f 3- "$work/plan")"

# wanted KIND NAME: whether the backup has it; says so where it does not
wanted() {
    [ -n "$(file_of "$1" "$2")" ] || {
        warn "  the backup has no $1 $2: it stays as it is"
        return 1
    }
}
# Databases in the backup that are to be restored: lines "SERVER<tab>NAME".
fields entry | awk -F "$tab" -v scope="$scope" '
    $1 == "database" && (scope == "" || $2 == scope || "db-" substr($3, index($3, "/") + 1) == scope) {
        at = index($3, "/")
        print substr($3, 1, at - 1) "\t" substr($3, at + 1)
    }' >"$work/databases"
[ -z "$scope" ] || [ -s "$work/databases" ] || fields entry | cut -f 2 | grep -qx -- "$scope" ||
    fail "the backup has nothing of '$2'. Nothing was changed."

# --- ask
there=''
while read -r kind _ name _; do
    case $kind in
    volume) docker volume inspect "$(volume_of "$name")" >/dev/null 2>&1 && there="$there $name" ;;
    server) [ -z "$(docker compose ps -aq "$name" 2>/dev/null)" ] || there="$there $name" ;;
    esac
done <"$work/plan" || true
if [ -n "$whole" ] && [ -f .env ] && ! cmp -s .env "$work/dot-env"; then there="$there .env"; fi
if [ -n "$there" ] && [ "${yes:-}" != 1 ]; then
    say "The backup of $(fields date) takes the place of what is there now:"
    [ -z "$whole" ] || say "  .env (the present one is kept as .env.before-restore)"
    sed "s/^/  database /; s,$tab,/," "$work/databases"
    awk '$1 == "volume" { print "  volume " $3 } $1 == "folder" { print "  files of the same names in " $3 }' "$work/plan"
    [ -t 0 ] || fail "Say yes=1 where nobody can be asked. Nothing was changed."
    printf 'Go on? Type yes: '
    read -r answer || answer=''
    [ "$answer" = yes ] || fail "Nothing was changed."
fi

# --- stop what writes
begun=yes
if [ -n "$whole" ]; then
    compose --progress quiet stop || fail "not everything stopped"
    if [ -f .env ] && ! cmp -s .env "$work/dot-env"; then mv .env .env.before-restore; fi
    env_file=''
    cp "$work/dot-env" .env
    sh scripts/env.sh
    # Everything stands still, and reads the files of the secrets again when it starts.
    rm -f .secrets/.changed
    # What git has, it has; the rest of the folder comes back where it is missing.
    content_of own files | while IFS= read -r name; do
        case /$name/ in */../*) continue ;; esac
        [ -e "$name" ] || [ -L "$name" ] || printf './%s\n' "$name"
    done >"$work/own"
    if [ -s "$work/own" ]; then
        # As the owner of this folder, whoever that is on this host.
        # shellcheck disable=SC2012
        content_of repository . | in_box --user "$(ls -dn . | awk '{ print $3 ":" $4 }')" -v "$PWD:/data" -v "$PWD/$work/own:/own:ro" \
            --entrypoint tar "$tools" -C /data --no-same-owner --verbatim-files-from -T /own -xzpf - || fail "files of the owner: failed"
        sed 's,^\./,  put back ,' "$work/own"
    fi
    read_model
    docker compose up --no-start --remove-orphans || fail "the containers could not be made"
else
    # Who writes the volumes, and who uses the databases.
    containers=$(awk '$1 == "server" || $1 == "database" || $1 == "volume" { print $5 }' "$work/plan" | tr ',' '\n' | sort -u | grep -v '^-$' || true)
    # shellcheck disable=SC2086
    [ -z "$containers" ] || compose --progress quiet stop $containers || fail "not everything stopped"
    sh scripts/env.sh
    docker compose up --no-start --no-recreate >/dev/null 2>&1 || fail "the containers could not be made: make up"
fi

# --- put back
while read -r kind service name _ <&5; do
    case $kind in
    volume)
        wanted volume "$name" || continue
        say "  $service: volume $name"
        content_of volume "$name" | unpack "$(volume_of "$name")" empty || fail "volume $name: failed"
        ;;
    folder)
        wanted folder "$name" || continue
        say "  $service: folder $name"
        mkdir -p "$name"
        content_of folder "$name" | unpack "$PWD/$name" || fail "folder $name: failed"
        ;;
    esac
done 5<"$work/plan"

cut -f 1 "$work/databases" | sort -u >"$work/servers"
while read -r server_name <&5; do
    superuser=$(user_of "$server_name")
    [ -n "$superuser" ] || fail "scripts/state.txt has no server $server_name"
    compose --progress quiet up -d --no-deps --no-recreate "$server_name"
    wait_healthy "$(docker compose ps -aq "$server_name")" || fail "$server_name does not start: make logs s=$server_name"
    owner=$(fields entry | awk -F "$tab" -v name="$server_name" '$1 == "roles" && $3 == name { print $2 }')
    if [ -n "$owner" ] && [ "${scope:-$owner}" = "$owner" ]; then
        say "  $server_name: roles"
        if [ -n "$whole" ]; then content_of roles "$server_name"; else
            # .env stays, and so does the superuser's password.
            content_of roles "$server_name" | grep -vE "^ALTER ROLE \"?$superuser\"? WITH "
        fi | restore_roles "$server_name" "$superuser" || fail "roles of $server_name: failed"
    fi
    grep "^$server_name$tab" "$work/databases" | cut -f 2 >"$work/names"
    while IFS= read -r name <&6; do
        say "  $server_name: database $name"
        restore_database "$server_name" "$superuser" "$name" ||
            fail "database $name: failed"
    done 6<"$work/names"
done 5<"$work/servers"

# --- start
sh scripts/up.sh
sh scripts/wait.sh
begun=''
say "restored from $from"
