-- Takes a user away, and the roles with it.
DELETE FROM "USERS" WHERE "USER_NAME" = :'name';
