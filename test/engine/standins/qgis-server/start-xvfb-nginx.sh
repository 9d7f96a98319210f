#!/bin/bash
# Starts Xvfb, the embedded nginx unless SKIP_NGINX, and one FastCGI process on
# 9993 as QGIS_USER; the container ends when that process ends.
pids=()
# shellcheck disable=SC2317
end() { kill "${pids[@]}" 2>/dev/null; }
trap end INT TERM

# started NAME: waits for a process of that name and remembers it
started() {
  until pidof "$1" >/dev/null; do sleep 0.2; done
  # shellcheck disable=SC2207
  pids+=($(pidof "$1"))
}

rm -f /tmp/.X99-lock
fc-cache

prefix=${QGIS_SERVER_LANDING_PAGE_PREFIX:-}
if [ -n "$prefix" ]; then
  prefix=/${prefix#/}
  if [[ $prefix =~ ^/[a-zA-Z0-9/_-]+$ ]]; then
    # shellcheck disable=SC2016
    {
      echo "location $prefix {"
      echo 'fastcgi_pass localhost:9993;'
      echo 'fastcgi_param SCRIPT_FILENAME /usr/lib/cgi-bin/qgis_mapserv.fcgi;'
      echo 'fastcgi_param QUERY_STRING $query_string;'
      echo 'fastcgi_param HTTPS $public_https;'
      echo 'fastcgi_param SERVER_NAME $public_host;'
      echo 'fastcgi_param SERVER_PORT $public_port;'
      echo 'include fastcgi_params; }'
    } >/etc/nginx/qgis.d/landing-page.conf
  else
    echo "WARNING: invalid QGIS_SERVER_LANDING_PAGE_PREFIX '$prefix'" >&2
  fi
fi

Xvfb :99 -ac -screen 0 1280x1024x16 +extension GLX +render -noreset >/dev/null &
started Xvfb
case ${SKIP_NGINX,,} in
  '' | false | 0)
    nginx
    started nginx
    ;;
esac
user=${QGIS_USER:-www-data}
spawn-fcgi -n -u "$user" -g "$user" -d "${HOME:-/var/lib/qgis}" -P /run/qgis.pid -p 9993 -- \
  /usr/lib/cgi-bin/qgis_mapserv.fcgi &
pids+=("$!")
wait "$!"
