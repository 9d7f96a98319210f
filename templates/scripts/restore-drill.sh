#!/bin/sh
# Restores a backup beside the running stack, into a project of its own that nothing else reaches, compares and takes it
# away again: restore-drill.sh [FROM]. Tables are compared row by row count, volumes file by file.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=scripts/backup-lib.sh
. scripts/backup-lib.sh

from=$(folder_of "${1:-latest}")
verify
read_model
verify_majors "$(plan | cut -d ' ' -f 3-)"
sh scripts/env.sh
lock
work=backups/.drill
project=$stack-drill
volume=$project-volume
rm -rf "$work"
mkdir "$work"
# shellcheck disable=SC2317,SC2329
finish() {
    code=$?
    compose down -v --remove-orphans >/dev/null 2>&1 || true
    docker volume rm -f "$volume" >/dev/null 2>&1 || true
    rm -rf "$work"
    unlock
    exit "$code"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
bad=0
wrong() {
    warn "WRONG    $*"
    bad=$((bad + 1))
}

for kind in volume folder; do
    fields entry | awk -F "$tab" -v kind="$kind" '$1 == kind { print $3 }' >"$work/names"
    while IFS= read -r name <&5; do
        docker volume create "$volume" >/dev/null
        content_of "$kind" "$name" | unpack "$volume" empty || fail "$kind $name: failed"
        if content_of "$kind" "$name" |
            in_box --user 0 --cap-add DAC_OVERRIDE -v "$volume:/data:ro" --entrypoint tar "$tools" -C /data -dzf - >"$work/differences"; then
            say "same     $kind $name"
        else
            wrong "$kind $name: $(head -n 3 "$work/differences")"
        fi
        docker volume rm "$volume" >/dev/null
    done 5<"$work/names"
done

# The model of the drill. Its containers are on no network: those of the stack have fixed addresses, which Docker gives to one
# project only, and the drill works inside the container.
model_without_networks() {
    compose config | awk '
        /^[a-z]/ { part = $1; skip = part == "networks:" }
        part == "services:" && /^    [a-z_]+:/ { skip = $1 == "networks:" || $1 == "network_mode:" }
        part == "services:" && /^  [^ ]/ { skip = 0; print; print "    network_mode: none"; next }
        !skip'
}

# count_rows SERVER USER DATABASE: rows of every table that belongs to no extension, as "schema.table<tab>rows".
count_rows() {
    sql "$1" "$2" -d "$3" <<'END' | sort
SELECT format('SELECT %L || count(*) FROM ONLY %I.%I', format('%I.%I', n.nspname, c.relname) || E'\t', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') \gexec
END
}
# The same, of a dump on standard input. Extensions' tables are in it too, with the rows that people added.
count_dumped() {
    inside "$1" pg_restore --data-only -f - | awk '
        /^COPY .* FROM stdin;$/ { table = $0; sub(/^COPY /, "", table); sub(/ \(.*| FROM stdin;$/, "", table); rows = 0; inside = 1; next }
        inside && /^\\\.$/ { print table "\t" rows; inside = 0 }
        inside { rows++ }' | sort
}

fields server | cut -f 1 >"$work/servers"
while read -r name <&5; do
    superuser=$(user_of "$name")
    [ -n "$superuser" ] || fail "scripts/state.txt has no server $name"
    # `run` publishes no port.
    stand_in=$(model_without_networks | compose --progress quiet --project-directory . -f - run -d --no-deps "$name")
    wait_healthy "$stand_in" || fail "$name does not start in the drill"
    if [ -n "$(file_of roles "$name")" ]; then
        content_of roles "$name" | restore_roles "$name" "$superuser" || fail "roles of $name: failed"
    fi
    fields entry | awk -F "$tab" -v server="$name/" '
        $1 == "database" && index($3, server) == 1 { print substr($3, length(server) + 1) }' >"$work/names"
    while IFS= read -r database <&6; do
        restore_database "$name" "$superuser" "$database" ||
            fail "database $database: failed"
        content_of database "$name/$database" | count_dumped "$name" >"$work/dumped"
        count_rows "$name" "$superuser" "$database" >"$work/restored"
        drilled=$stand_in
        stand_in='' project=''
        count_rows "$name" "$superuser" "$database" >"$work/running" 2>/dev/null || : >"$work/running"
        stand_in=$drilled project=$stack-drill
        # Tables of extensions are in the dump alone.
        cut -f 1 "$work/restored" >"$work/tables"
        grep -F "$tab" "$work/dumped" | awk -F "$tab" 'NR == FNR { known[$1] = 1; next } $1 in known' "$work/tables" - >"$work/expected"
        if cmp -s "$work/expected" "$work/restored"; then
            say "same     database $name/$database: $(wc -l <"$work/restored" | tr -d ' ') tables, $(awk -F "$tab" '{ sum += $2 } END { print sum + 0 }' "$work/restored") rows"
        else
            wrong "database $name/$database: $(diff "$work/expected" "$work/restored" | grep '^[<>]' | head -n 5)"
        fi
        diff "$work/restored" "$work/running" | sed -n "s/^> /         by now /p"
    done 6<"$work/names"
    docker rm -f "$stand_in" >/dev/null
    stand_in=''
done 5<"$work/servers"
[ "$bad" -eq 0 ] || fail "$bad differences: this backup cannot be relied on"
say "$from can be restored"
