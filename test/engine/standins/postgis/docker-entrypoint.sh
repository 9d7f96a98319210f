#!/usr/bin/env bash
# The contract of the official entrypoint: `postgres ...` prepares the cluster on
# the first start and runs as uid 999; any other command is executed as it is.
set -Eeo pipefail

# from_file VAR [default]: VAR, or the content of the file named by VAR_FILE.
from_file() {
  local file=${1}_FILE
  if [ -n "${!1:-}" ] && [ -n "${!file:-}" ]; then
    echo "error: both $1 and $file are set" >&2
    exit 1
  fi
  local value=${!1:-${2:-}}
  if [ -n "${!file:-}" ]; then value=$(<"${!file}"); fi
  export "$1=$value"
  unset "$file"
}

sql() {
  PGHOST='' PGHOSTADDR='' psql -v ON_ERROR_STOP=1 --no-psqlrc --no-password -q \
    --username "$POSTGRES_USER" --dbname "${database:-$POSTGRES_DB}" "$@"
}

run_init_file() {
  echo "$0: $1"
  case $1 in
    *.sh)
      if [ -x "$1" ]; then "$1"; else
        # shellcheck source=/dev/null
        . "$1"
      fi
      ;;
    *.sql) sql -f "$1" ;;
    *.sql.gz) gunzip -c "$1" | sql ;;
    *.sql.xz) xzcat "$1" | sql ;;
    *.sql.zst) zstd -dc "$1" | sql ;;
    *) echo "$0: ignoring $1" ;;
  esac
}

create_cluster() {
  local method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256} arguments file
  if [ -z "$POSTGRES_PASSWORD" ] && [ "$method" != trust ]; then
    echo 'Error: Database is uninitialized and superuser password is not specified.' >&2
    exit 1
  fi
  if [ -s /var/lib/postgresql/data/PG_VERSION ] || mountpoint -q /var/lib/postgresql/data; then
    echo 'Error: in 18+ the volume belongs at /var/lib/postgresql, not at /var/lib/postgresql/data.' >&2
    exit 1
  fi
  # Release 18 writes checksums unless told not to; the release inside does not.
  case $POSTGRES_INITDB_ARGS in
    *--no-data-checksums*) arguments=${POSTGRES_INITDB_ARGS//--no-data-checksums/} ;;
    *) arguments="--data-checksums $POSTGRES_INITDB_ARGS" ;;
  esac
  eval "initdb --username=\"\$POSTGRES_USER\" --pwfile=<(printf '%s\n' \"\$POSTGRES_PASSWORD\") $arguments"
  printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"

  # The server for the first start listens on the socket only.
  export PGPASSWORD=$POSTGRES_PASSWORD
  pg_ctl -D "$PGDATA" -w -o "$(printf '%q ' "${@:2}" -c listen_addresses= -p "${PGPORT:-5432}")" start
  if [ -z "$(database=postgres sql -At -v db="$POSTGRES_DB" <<<"SELECT 1 FROM pg_database WHERE datname = :'db'")" ]; then
    database=postgres sql -v db="$POSTGRES_DB" <<<'CREATE DATABASE :"db"'
  fi
  for file in /docker-entrypoint-initdb.d/*; do run_init_file "$file"; done
  pg_ctl -D "$PGDATA" -m fast -w stop
  unset PGPASSWORD
  echo 'PostgreSQL init process complete; ready for start up.'
}

if [ "${1:0:1}" = - ]; then set -- postgres "$@"; fi
case " $* " in
  *' --version '* | *' -V '* | *' --help '* | *' -? '*) exec "$@" ;;
esac
if [ "$1" = postgres ]; then
  mkdir -p "$PGDATA" /run/postgresql
  chmod 0700 "$PGDATA" || true
  chmod 03775 /run/postgresql || true
  if [ "$(id -u)" = 0 ]; then
    find "$PGDATA" /run/postgresql ! -user postgres -exec chown postgres {} +
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
  fi
  from_file POSTGRES_PASSWORD
  from_file POSTGRES_USER postgres
  from_file POSTGRES_DB "$POSTGRES_USER"
  from_file POSTGRES_INITDB_ARGS
  if [ ! -s "$PGDATA/PG_VERSION" ]; then create_cluster "$@"; fi
fi
exec "$@"
