#!/bin/sh
# Makes the first administrator of Metabase, once. Run by the job metabase-setup.
# https://github.com/metabase/metabase/blob/master/src/metabase/setup_rest/api.clj
set -eu
api=http://metabase:3000/api
properties=$(wget -q -O - "$api/session/properties")
case $properties in
*'"has-user-setup":true'*)
    echo "Metabase has its administrator already"
    exit 0
    ;;
esac
token=$(printf '%s' "$properties" | sed -n 's/.*"setup-token":"\([^"]*\)".*/\1/p')
if [ -z "$token" ]; then
    echo "Metabase says no token for its set-up: open its page and make the administrator there" >&2
    exit 1
fi
body=$(printf '{"token":"%s","user":{"email":"%s","password":"%s","first_name":"Admin","last_name":null},"prefs":{"site_name":"%s"}}' \
    "$token" "$ADMIN_EMAIL" "$(cat /run/secrets/METABASE_ADMIN_PASSWORD)" "$SITE_NAME")
if ! wget -q -O /dev/null --header 'Content-Type: application/json' --post-data "$body" "$api/setup"; then
    echo "Metabase refused the administrator: metabase.admin_email must be an address, and a METABASE_ADMIN_PASSWORD of your own needs a digit" >&2
    exit 1
fi
echo "made the administrator $ADMIN_EMAIL"
