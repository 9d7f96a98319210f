#!/bin/sh
# Backs up the stack, or what one service keeps: backup.sh [SERVICE]. A folder in backups/ that has its name was written
# to the end; until then it is called .partial-NAME.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=scripts/backup-lib.sh
. scripts/backup-lib.sh

scope=''
[ -z "${1:-}" ] || scope=$(scope_of "$1")
choose_encryption
read_model
lock
name=''
while [ -z "$name" ] || [ -e "backups/$name" ]; do
    [ -z "$name" ] || sleep 1
    name=$(date -u +%Y-%m-%dT%H%M%SZ)${scope:+-$scope}
done
work=backups/.partial-$name
stopped=''
started=''

start_again() {
    [ -n "$stopped" ] || return 0
    # shellcheck disable=SC2086
    docker start $stopped >/dev/null || warn "some containers did not start again: make up"
    started="$started $stopped"
    stopped=''
}
finish() {
    code=$?
    start_again
    if [ "$code" -ne 0 ]; then warn "there is NO new backup"; fi
    rm -rf backups/.partial-*
    [ -n "$scope" ] || backup_figures "$code"
    unlock
    exit "$code"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
rm -rf backups/.partial-*
mkdir "$work"

# store KIND SERVICE NAME FILE COMMAND...: what the command prints becomes a file of the backup.
store() {
    kind=$1 service=$2 entry=$3 file=$4
    shift 4
    say "  $service: $kind $entry"
    if [ "$encryption" = none ]; then
        "$@" </dev/null >"$work/$file" || fail "$kind $entry: failed"
    else
        file=$file.gpg
        { "$@" </dev/null || : >"$work/.failed"; } | encrypt >"$work/$file" || fail "$kind $entry: not encrypted"
        [ ! -e "$work/.failed" ] || fail "$kind $entry: failed"
    fi
    printf 'entry\t%s\t%s\t%s\t%s\t%s\n' "$kind" "$service" "$entry" "$file" "$(wc -c <"$work/$file" | tr -d ' ')" >>"$work/MANIFEST"
}

# Files that git does not have: untracked or ignored ones. Without git, all of them.
own_files() {
    {
        git -c safe.directory='*' -c core.quotePath=false ls-files --others 2>/dev/null ||
            find . -path ./.git -prune -o -type f -print | sed 's,^\./,,'
    } | grep -vE "^(\.env$|\.secrets/|backups/|\.osgs/local/$folders)" || true
}

dump_database() {
    file=$3
    case $file in *[!A-Za-z0-9._-]*) file=$(printf '%s' "$file" | cksum | cut -d ' ' -f 1) ;; esac
    store database "$4" "$1/$3" "database-$1-$file.dump" compose exec -T "$1" pg_dump -U "$2" --format custom --dbname "$3"
}

# server SERVICE CONTAINER USER [DATABASE]: of all databases those that no other service dumps in its turn
back_up_server() {
    major=$(major_of "$2" "$3") || fail "PostgreSQL does not answer in '$2': make up, or make logs s=$2"
    printf 'server\t%s\t%s\n' "$2" "$major" >>"$work/MANIFEST"
    store roles "$1" "$2" "roles-$2.sql" compose exec -T "$2" pg_dumpall -U "$3" --roles-only
    names=$(databases_of "$2" "$3") || fail "the databases of $2 could not be listed"
    printf '%s\n' "$names" | while IFS= read -r database; do
        case $scope in
        '') others=$(plan | awk -v server="$2" -v database="$database" '$1 == "database" && $3 == database && $4 == server') ;;
        *) others='' ;;
        esac
        [ -n "$others" ] || say "$database"
    done >"$work/.databases"
    while IFS= read -r database <&4; do
        dump_database "$2" "$3" "$database" "$1"
    done 4<"$work/.databases"
    rm -f "$work/.databases"
}

back_up_volume() {
    volume=$(volume_of "$2")
    docker volume inspect "${volume:-$2}" >/dev/null 2>&1 || fail "there is no volume '$2': make up, then try again"
    store volume "$1" "$2" "volume-$2.tar.gz" pack "$volume" "$3"
}

back_up_folder() {
    if [ ! -d "$2" ]; then
        warn "  $1: there is no folder $2"
        return
    fi
    store folder "$1" "$2" "folder-$(printf '%s' "$2" | tr / _).tar.gz" pack "$PWD/$2" live
}

# Everything that a service keeps, its programs stopped where they must be.
back_up() {
    writers=$(plan | awk -v service="$1" '$1 == "volume" && $2 == service && $4 == "stop" && $5 != "-" { print $5 }' | tr ',' ' ')
    if [ -n "$writers" ]; then
        # shellcheck disable=SC2086
        stopped=$(compose ps -q $writers | tr '\n' ' ') || fail "scripts/state.txt and compose.yaml do not fit"
        # shellcheck disable=SC2086
        [ -z "$stopped" ] || docker stop $stopped >/dev/null || fail "$1 did not stop"
    fi
    plan | awk -v service="$1" '$2 == service' >"$work/.plan"
    while read -r kind service first second _ <&5; do
        case $kind in
        server) back_up_server "$service" "$first" "$second" ;;
        database) dump_database "$second" "$(user_of "$second")" "$first" "$service" ;;
        volume) back_up_volume "$service" "$first" "$second" ;;
        folder) back_up_folder "$service" "$first" ;;
        esac
    done 5<"$work/.plan"
    rm -f "$work/.plan"
    start_again
}

say "backing up ${scope:-everything} into backups/$name"
{
    say "$format"
    printf 'stack\t%s\nversion\t%s\ndate\t%s\nscope\t%s\nencryption\t%s\n' "$stack" \
        "$(sed -n 's/.*"generator": "\([^"]*\)".*/\1/p' .osgs/manifest.json 2>/dev/null)" \
        "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "${scope:-all}" "$encryption"
    printf '%s\n' "$model" | awk '$1 == "image" { print $1 "\t" $2 "\t" $3 }'
} >"$work/MANIFEST"

case $scope in
'')
    excluded='--anchored --exclude=./backups --exclude=./.secrets --exclude=./.osgs/local'
    folders=''
    for folder in $(plan | awk '$1 == "folder" { print $3 }'); do
        excluded="$excluded --exclude=./$folder"
        folders="$folders|$folder/"
    done
    store env stack .env dot-env cat .env
    store own stack files own-files.txt own_files
    # shellcheck disable=SC2086
    store repository stack . repository.tar.gz pack "$PWD" live $excluded
    for service in $(keepers); do back_up "$service"; done
    # What an owner added to the stack, and nothing says how to keep.
    printf '%s\n' "$model" | awk '$1 == "volume" { print $2 }' | while read -r volume; do
        plan | awk '{ print $1, $3 }' | grep -qxE "(volume|skip) $volume" ||
            warn "the volume '$volume' is NOT in the backup: say in scripts/state.local how it is kept"
    done
    ;;
db-*)
    plan | grep '^server ' >"$work/.servers"
    while read -r _ service container user _ <&6; do
        databases_of "$container" "$user" | grep -qxF -- "${scope#db-}" || continue
        printf 'server\t%s\t%s\n' "$container" "$(major_of "$container" "$user")" >>"$work/MANIFEST"
        dump_database "$container" "$user" "${scope#db-}" "$service"
    done 6<"$work/.servers"
    rm -f "$work/.servers"
    grep -q '^entry' "$work/MANIFEST" || fail "there is no database '${scope#db-}'"
    ;;
*) back_up "$scope" ;;
esac

sums=$(cd "$work" && sha256sum ./* | sed 's,  \./,  ,')
printf '%s\n' "$sums" >"$work/SHA256SUMS"
sync
mv "$work" "backups/$name"
say "backups/$name: $(du -sh "backups/$name" | cut -f 1)"
# shellcheck disable=SC2086
if ! wait_healthy $started; then fail "the backup is whole, but not all containers came back: make ps"; fi
