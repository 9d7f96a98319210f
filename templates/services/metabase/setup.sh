#!/bin/sh
# Makes the first administrator of Metabase. Where there are users already, it logs in with the password in .env, and fails
# where that is refused: then somebody else may be the administrator. Run by the job metabase-setup.
# Contract: metabase/metabase:src/metabase/setup_rest/api.clj, src/metabase/session/api.clj
set -eu
api=${METABASE_API:-http://metabase:3000/api}
password=$(cat "${SECRETS:-/run/secrets}/METABASE_ADMIN_PASSWORD")
case $password in
'' | *[!A-Za-z0-9._~-]*)
    echo "METABASE_ADMIN_PASSWORD may have letters, digits and . _ ~ - only" >&2
    exit 1
    ;;
esac

# ask CURL-OPTION... ADDRESS: prints the answer, and on the last line the status. What is sent comes from standard input:
# nobody sees a password in a list of processes.
ask() { curl -sS --max-time 60 -w '\n%{http_code}' "$@"; }
send() { ask -H 'Content-Type: application/json' --data-binary @- "$@"; }
status() { printf '%s\n' "$1" | tail -n 1; }

properties=$(ask "$api/session/properties") || true
case $properties in
*'"has-user-setup":true'*) ;;
*'"has-user-setup":false'*)
    token=$(printf '%s' "$properties" | sed -n 's/.*"setup-token":"\([^"]*\)".*/\1/p')
    if [ -z "$token" ]; then
        echo "Metabase has no users, and shows no token for its set-up: make the administrator in its page" >&2
        exit 1
    fi
    said=$(printf '{"token":"%s","user":{"email":"%s","password":"%s","first_name":"Admin","last_name":null},"prefs":{"site_name":"%s"}}' \
        "$token" "$ADMIN_EMAIL" "$password" "$SITE_NAME" | send "$api/setup") || true
    if [ "$(status "$said")" != 200 ]; then
        echo "Metabase refused the administrator: metabase.admin_email must be an address, and a METABASE_ADMIN_PASSWORD of" \
            "your own needs a digit. It answered:" >&2
        printf '%s\n' "$said" >&2
        exit 1
    fi
    echo "made the administrator $ADMIN_EMAIL"
    ;;
*)
    echo "Metabase does not say whether it has users. It answered:" >&2
    printf '%s\n' "$properties" | tail -c 1000 >&2
    exit 1
    ;;
esac

said=$(printf '{"username":"%s","password":"%s"}' "$ADMIN_EMAIL" "$password" | send "$api/session") || true
case $(status "$said") in
200) echo "$ADMIN_EMAIL logs in with METABASE_ADMIN_PASSWORD" ;;
400 | 401 | 403)
    cat >&2 <<END
Metabase has users, and refuses $ADMIN_EMAIL with METABASE_ADMIN_PASSWORD from .env. Either
- the password or the address was changed in Metabase: put the password into .env as METABASE_ADMIN_PASSWORD, and the address
  into osgs.yaml as the setting admin_email of metabase, and run make up again; or
- somebody else has made the first account: stop Metabase (docker compose stop metabase), and see who has an account in its
  database (table core_user). A new Metabase without data may be started again with an empty database.
END
    exit 1
    ;;
*)
    echo "Metabase does not answer the login of $ADMIN_EMAIL as expected. It answered:" >&2
    printf '%s\n' "$said" >&2
    exit 1
    ;;
esac
