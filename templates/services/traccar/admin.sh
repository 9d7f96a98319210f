#!/bin/sh
# Makes the administrator of a new Traccar. Where there are users already, it logs in with the password in .env, and fails
# where that is refused: then somebody else may be the administrator.
# Contract: traccar/traccar:src/main/java/org/traccar/api/resource/UserResource.java, SessionResource.java (6.14.5)
set -eu
api=${TRACCAR_API:-http://traccar:8082/api}
password=$(cat "${SECRETS:-/run/secrets}/TRACCAR_ADMIN_PASSWORD")
case $password in
'' | *[!A-Za-z0-9._~-]*)
    echo "TRACCAR_ADMIN_PASSWORD may have letters, digits and . _ ~ - only" >&2
    exit 1
    ;;
esac

# ask CURL-OPTION... ADDRESS: prints headers and answer, and on the last line the status. What is sent comes from standard
# input: nobody sees a password in a list of processes.
ask() { curl -sS -i --max-time 60 -w '\n%{http_code}' "$@"; }
status() { printf '%s\n' "$1" | tail -n 1; }

server=$(ask "$api/server") || true
case $server in
*'"newServer":true'*)
    said=$(printf '{"name":"Administrator","email":"%s","password":"%s"}' "$ADMIN_EMAIL" "$password" |
        ask -H 'Content-Type: application/json' --data-binary @- "$api/users") || true
    if [ "$(status "$said")" != 200 ]; then
        echo "Traccar did not make the administrator $ADMIN_EMAIL. It answered:" >&2
        printf '%s\n' "$said" >&2
        exit 1
    fi
    echo "made the administrator $ADMIN_EMAIL"
    ;;
*'"newServer":false'*) ;;
*)
    echo "Traccar does not say whether it has users. It answered:" >&2
    printf '%s\n' "$server" >&2
    exit 1
    ;;
esac

said=$(printf 'email=%s&password=%s' "$(printf '%s' "$ADMIN_EMAIL" | sed 's/%/%25/g; s/+/%2B/g; s/&/%26/g')" "$password" |
    ask --data-binary @- "$api/session") || true
case $(status "$said") in
200)
    case $said in
    *'"administrator":true'*) echo "$ADMIN_EMAIL logs in with TRACCAR_ADMIN_PASSWORD and is an administrator" ;;
    *)
        echo "$ADMIN_EMAIL logs in with TRACCAR_ADMIN_PASSWORD, but is no administrator. Somebody else has made the first" \
            "account: stop Traccar (docker compose stop traccar) and see who has an account in its database." >&2
        exit 1
        ;;
    esac
    ;;
401)
    if printf '%s\n' "$said" | grep -qi '^WWW-Authenticate: *TOTP'; then
        # Traccar asks for the second factor after the password only.
        echo "$ADMIN_EMAIL logs in with TRACCAR_ADMIN_PASSWORD and a second factor"
        exit 0
    fi
    cat >&2 <<END
Traccar has users, and refuses $ADMIN_EMAIL with TRACCAR_ADMIN_PASSWORD from .env. Either
- the password or the address was changed in Traccar: put the password into .env as TRACCAR_ADMIN_PASSWORD, and the address
  into osgs.yaml as the setting admin_email of traccar, and run make up again; or
- somebody else has made the first account: stop Traccar (docker compose stop traccar), and see who has an account in its
  database (table tc_users). A new Traccar without data may be started again with an empty database.
END
    exit 1
    ;;
*)
    echo "Traccar does not answer the login of $ADMIN_EMAIL as expected. It answered:" >&2
    printf '%s\n' "$said" >&2
    exit 1
    ;;
esac
