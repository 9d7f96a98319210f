;<?php die(''); ?>
; Merged into Lizmap's profiles.ini.php at every start. libpq takes the password from a file in the container.

[jdb]
lizlog=jauth

[jdb:jauth]
driver=pgsql
host=postgis
port=5432
database=lizmap
user=lizmap_users
search_path=public

[jcache:qgisprojects]
enabled=1
ttl=0
driver=redis_ext
host="/srv/cache/valkey.sock"
port=0
db=2

[jcache:requests]
enabled=1
ttl=0
driver=redis_ext
host="/srv/cache/valkey.sock"
port=0
db=3
