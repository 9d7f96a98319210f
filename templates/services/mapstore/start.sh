#!/bin/sh
# Writes where GeoStore, MapStore's store of users and maps, finds its database and its first user, then starts Tomcat.
# The user counts only while the database has none.
set -eu
umask 077
cat >/tmp/geostore.properties <<END
geostoreDataSource.driverClassName=org.postgresql.Driver
geostoreDataSource.url=jdbc:postgresql://postgis:5432/mapstore
geostoreDataSource.username=mapstore
geostoreDataSource.password=$(cat /run/secrets/MAPSTORE_DB_PASSWORD)
geostoreVendorAdapter.databasePlatform=org.hibernate.dialect.PostgreSQLDialect
geostoreEntityManagerFactory.jpaPropertyMap[hibernate.hbm2ddl.auto]=update
geostoreEntityManagerFactory.jpaPropertyMap[hibernate.default_schema]=public
geostoreVendorAdapter.generateDdl=true
geostoreVendorAdapter.showSql=false
geostoreInitializer.userListInitFile=file:/tmp/users.xml
END
cat >/tmp/users.xml <<END
<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<InitUserList>
    <User>
        <name>admin</name>
        <newPassword>$(cat /run/secrets/MAPSTORE_ADMIN_PASSWORD)</newPassword>
        <role>ADMIN</role>
    </User>
</InitUserList>
END
umask 022
exec catalina.sh run
