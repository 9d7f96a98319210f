-- The tables of users as FROST-Server would make them, so that it finds them and puts no default users into them.
-- FraunhoferIOSB/FROST-Server:FROST-Server.Auth.Basic/src/main/resources/liquibase/basicAuthTables.xml
SET client_min_messages = warning;
BEGIN;
CREATE TABLE IF NOT EXISTS "USERS" (
    "USER_NAME" varchar(25) CONSTRAINT "USERS_PKEY" PRIMARY KEY,
    "USER_PASS" varchar(255)
);
CREATE TABLE IF NOT EXISTS "USER_ROLES" (
    "USER_NAME" varchar(25),
    "ROLE_NAME" varchar(15),
    PRIMARY KEY ("USER_NAME", "ROLE_NAME"),
    CONSTRAINT "USER_ROLES_USERS_FKEY" FOREIGN KEY ("USER_NAME") REFERENCES "USERS" ("USER_NAME")
        ON UPDATE CASCADE ON DELETE CASCADE
);
COMMIT;
