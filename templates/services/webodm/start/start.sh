#!/bin/sh
# Starts WebODM: makes or updates its tables, then the administrator and the processing node, then goes on as the image does.
set -eu
cd /webodm
python manage.py migrate --noinput
python manage.py shell </osgs/setup.py
exec bash /webodm/start.sh
