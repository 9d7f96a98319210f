#!/bin/sh
# Runs in the container restic: copy | list | check | fetch NAME. The backups are below /backups, read-only.
set -eu
[ -n "${RESTIC_REPOSITORY:-}" ] || { echo "RESTIC_REPOSITORY in .env does not say yet where the copies go" >&2; exit 1; }
# restic reads the password of the copies from its file, those of the stores from variables.
export_file() {
    [ ! -e "/run/secrets/$2" ] || export "$1=$(cat "/run/secrets/$2")"
}
export_file AWS_SECRET_ACCESS_KEY RESTIC_S3_KEY
export_file RESTIC_REST_PASSWORD RESTIC_REST_PASSWORD
run() {
    case $RESTIC_REPOSITORY in
    sftp:*)
        restic -o sftp.args='-i /restic/ssh/id_ed25519 -o UserKnownHostsFile=/restic/ssh/known_hosts -o StrictHostKeyChecking=yes -o BatchMode=yes' "$@"
        ;;
    *) restic "$@" ;;
    esac
}
case ${1:-} in
copy)
    code=0
    run cat config >/dev/null 2>&1 || code=$?
    # Ten: there is no repository yet. Anything else is to be seen.
    case $code in
    0) ;;
    10) run init ;;
    *) run cat config >/dev/null ;;
    esac
    # What a run that was killed left behind, if it is stale.
    run unlock
    cd /backups
    run backup --tag osgs --exclude '.*' --exclude nightly.log .
    run forget --tag osgs --group-by host,tags --keep-daily "$KEEP_DAILY" --keep-weekly "$KEEP_WEEKLY" --keep-monthly "$KEEP_MONTHLY" --prune
    ;;
list)
    run snapshots --tag osgs --compact
    # The backups in the newest copy.
    run ls --tag osgs latest / | grep -E '^/[0-9][^/]*$' | sed 's,^/,,'
    ;;
check) run check --read-data-subset=5% ;;
fetch)
    # The newest copy that has it: the folder may be gone from the newer ones.
    name=${2:?which backup}
    id=$(run find --tag osgs --json "/$name/MANIFEST" | sed -n 's/.*"snapshot":"\([0-9a-f]*\)".*/\1/p' | head -n 1)
    [ -n "$id" ] || { echo "no copy has $name" >&2; exit 1; }
    run dump "$id" "/" --archive tar
    ;;
*)
    echo "copy | list | check | fetch NAME" >&2
    exit 2
    ;;
esac
