#!/bin/sh
# backups.sh list [check] | prune [dry] | schedule [HH:MM] | ended
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=scripts/backup-lib.sh
. scripts/backup-lib.sh

list() {
    [ -n "$(backups)" ] || say "there is no backup yet: make backup"
    backups | while read -r name; do
        from=backups/$name
        state=''
        if [ "${1:-}" = check ]; then
            state='  whole'
            (cd "$from" && sha256sum -c SHA256SUMS >/dev/null 2>&1) || state='  DAMAGED: make restore says which file'
        fi
        [ "$(fields encryption)" = none ] || state="$state  encrypted"
        printf '%-36s %8s  %s%s\n' "$name" "$(du -sh "$from" | cut -f 1)" "$(fields scope)" "$state"
    done
}

# Keeps the newest backup of each of the last days, weeks and months that have any; of each service apart.
prune() {
    daily=$(value_of BACKUP_KEEP_DAILY)
    weekly=$(value_of BACKUP_KEEP_WEEKLY)
    monthly=$(value_of BACKUP_KEEP_MONTHLY)
    [ "${1:-}" = dry ] || lock
    trap unlock EXIT
    backups | sort -r | awk -v daily="${daily:-7}" -v weekly="${weekly:-5}" -v monthly="${monthly:-12}" '
        # Days since 0000-03-01, of which the remainder by 7 is a day of the week.
        function days(year, month, day) {
            if (month < 3) { year--; month += 12 }
            return 365 * year + int(year / 4) - int(year / 100) + int(year / 400) + int((153 * (month - 3) + 2) / 5) + day
        }
        function first(scope, kind, value, limit) {
            if ((scope, kind, value) in seen) return 0
            seen[scope, kind, value] = 1
            return ++count[scope, kind] <= limit
        }
        !/^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9]+Z/ { next }
        {
            scope = substr($0, index($0, "Z") + 1)
            keep = !(scope in newest)
            newest[scope] = 1
            keep += first(scope, "day", substr($0, 1, 10), daily)
            # Weeks begin on Monday.
            keep += first(scope, "week", int((days(substr($0, 1, 4) + 0, substr($0, 6, 2) + 0, substr($0, 9, 2) + 0) + 1) / 7), weekly)
            keep += first(scope, "month", substr($0, 1, 7), monthly)
            if (!keep) print
        }' | while read -r name; do
        say "taking away $name"
        [ "${1:-}" != dry ] || continue
        # Half of it must never look like a whole one.
        mv "backups/$name" "backups/.pruned-$name"
        rm -rf "backups/.pruned-$name"
    done
    [ "${1:-}" = dry ] || rm -rf backups/.pruned-*
}

# A line for cron, which runs on the host: a container could call `make backup` only through Docker's socket, and who
# holds that is root here.
schedule() {
    at=${1:-02:30}
    case $at in
    [0-2][0-9]:[0-5][0-9]) ;;
    *) fail "Say the time as at=02:30" ;;
    esac
    folder=$(printf '%s' "$PWD" | sed "s/'/'\\\\''/g; s/%/\\\\%/g")
    say "# Backs the stack $stack up every night. As a file of cron: make -s backup-schedule | sudo tee /etc/cron.d/$stack-backup"
    say "# What went wrong is mailed to the user, and stands in backups/nightly.log."
    say 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    say "$(printf '%s' "$at" | sed 's/\(..\):\(..\)/\2 \1/') * * * $(id -un) cd '$folder' && mkdir -p backups && { make -s backup-nightly >>backups/nightly.log 2>&1 || { tail -n 30 backups/nightly.log; exit 1; }; }"
}

# The last step of the nightly run: all of it went well, the copy elsewhere too.
ended() { figures nightly "$(figure osgs_nightly_last_success_timestamp_seconds 'When the nightly run last ended well, to its last step.' "$(date +%s)")"; }

case ${1:-} in
list | prune | schedule | ended) "$@" ;;
*) fail "backups.sh list [check] | prune [dry] | schedule [HH:MM] | ended" ;;
esac
