#!/bin/sh
# Brings the tables up to date and makes the administrator, once. A password needs a digit, a small and a capital letter.
set -eu
cd /app
dotnet WB.UI.Headquarters.dll manage migrate
made=/app/AppData/.administrator
[ ! -e "$made" ] || exit 0
# It ends with 0 whatever happens, so its words are read.
said=$(dotnet WB.UI.Headquarters.dll manage users create --role Administrator --login admin --password "$(cat /run/secrets/SURVEY_SOLUTIONS_ADMIN_PASSWORD)" 2>&1)
printf '%s\n' "$said"
case $said in
*"Created user"*) : >"$made" ;;
# After a start that was interrupted here, or a restore without the volume.
*"already taken"*)
    echo "there is a user admin already"
    : >"$made"
    ;;
*)
    # Survey Solutions does not start then: its first visitor could become administrator.
    echo "the administrator was not made; see above" >&2
    exit 1
    ;;
esac
