#!/bin/sh
# uWSGI and nginx side by side until a signal comes.
ended=
trap 'ended=yes' TERM INT
export UWSGI_PROCESSES="${UWSGI_PROCESSES:-2}" UWSGI_THREADS="${UWSGI_THREADS:-10}"
uwsgi --ini /mapproxy/uwsgi.conf &
nginx
while [ -z "$ended" ]; do
  sleep 1 &
  wait "$!"
done
