-- Makes a user, or changes the password and the roles. The password comes from the environment.
\getenv password USER_PASSWORD
BEGIN;
INSERT INTO "USERS" ("USER_NAME", "USER_PASS") VALUES (:'name', crypt(:'password', gen_salt('bf', 10)))
ON CONFLICT ("USER_NAME") DO UPDATE SET "USER_PASS" = excluded."USER_PASS"
WHERE "USERS"."USER_PASS" IS DISTINCT FROM crypt(:'password', "USERS"."USER_PASS");
DELETE FROM "USER_ROLES" WHERE "USER_NAME" = :'name' AND "ROLE_NAME" <> ALL (string_to_array(:'roles', ' '));
INSERT INTO "USER_ROLES" ("USER_NAME", "ROLE_NAME") SELECT :'name', unnest(string_to_array(:'roles', ' '))
ON CONFLICT DO NOTHING;
COMMIT;
