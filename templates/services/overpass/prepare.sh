#!/bin/sh
# The image's entrypoint runs this before anything else, at every start, or reads it as its own: nothing is set for what follows.

# What an import that broke off has left would be filled up further.
if [ ! -e /db/init_done ]; then
    find /db -mindepth 1 -delete
fi

# Queries run as nginx, and the image's folder is for overpass alone (wiktorn/Overpass-API issue 129).
chown overpass:overpass /db
chmod 755 /db

# The limit is for each address: this stack's nginx hands on the visitor's.
if ! grep -q real_ip_header /etc/nginx/nginx.conf.template; then
    sed -i 's|^http *{|&\n    set_real_ip_from 0.0.0.0/0;\n    real_ip_header X-Forwarded-For;|' /etc/nginx/nginx.conf.template
fi
