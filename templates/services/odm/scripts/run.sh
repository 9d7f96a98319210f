#!/bin/sh
# Runs ODM on a project, and gives the results to the owner of the photos, however it ends. `make odm` runs it in the
# container odm: the project, then the options of ODM.
set -u
project=$1
case $project in
'' | *[!A-Za-z0-9_.-]* | .*)
    echo "'$project' is no name for a project: letters, digits, dots, hyphens and underscores" >&2
    exit 2
    ;;
esac
if [ ! -d "/datasets/$project/images" ]; then
    echo "There is no folder services/odm/datasets/$project/images" >&2
    exit 2
fi
shift
# ODM gets the signal itself; this script waits for it.
trap : INT TERM
python3 /code/run.py --project-path /datasets "$project" "$@" &
pid=$!
while :; do
    wait "$pid"
    status=$?
    kill -0 "$pid" 2>/dev/null || break
    kill -TERM "$pid"
done
chown -R "$OWNER" "/datasets/$project"
exit "$status"
