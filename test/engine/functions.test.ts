import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createOsgs, type Ran } from '../run.js';
import { Deployment } from './deployment.js';

const slow = 300_000;
const deployment = new Deployment('functions');

/** SQL in the server's container, as a role, over TCP with no password asked: the superuser becomes the role. */
function sql(text: string, { role = 'postgres', database = 'gis' } = {}): Ran {
  const input = `SET SESSION AUTHORIZATION ${role};\n${text}`;
  const psql = ['psql', '-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1', '-U', 'postgres', '-d', database];
  return deployment.inside('postgis', psql, input);
}

/** What `make check` says of the roles. */
function check(): string[] {
  const file = readFileSync(join(deployment.folder, 'services/postgis/anonymous.sql'), 'utf8');
  const ran = sql(file);
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  return ran.stdout.trim().split('\n');
}

describe('functions of the database on a real engine', () => {
  beforeAll(() => {
    const made = createOsgs([
      deployment.folder,
      '--yes',
      '--services=postgrest,pg-tileserv,pycsw',
      '--tls=off',
      '--set=nginx.http_port=8094',
    ]);
    expect(made).toMatchObject({ code: 0 });
    const up = deployment.run('sh', ['scripts/up.sh', 'postgis-setup']);
    expect({ ...up, stderr: up.stderr.slice(-2000) }).toMatchObject({ code: 0 });
    deployment.run('docker', ['compose', 'wait', 'postgis-setup']);
    // The finding of the security review, made by the owner of the schema; and what an owner had before.
    const wipe = (name: string): string =>
      `CREATE FUNCTION api.${name}() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM api.rows';`;
    const made2 = sql(
      `CREATE TABLE api.rows (id int); INSERT INTO api.rows VALUES (1), (2); ${wipe('wipe')} ${wipe('old')}
       GRANT EXECUTE ON FUNCTION api.old() TO PUBLIC;
       CREATE FUNCTION gis.tile(z integer, x integer, y integer) RETURNS bytea LANGUAGE sql AS $$ SELECT ''::bytea $$;`,
      { role: 'gis' },
    );
    expect(made2).toMatchObject({ code: 0 });
  }, slow);
  afterAll(() => {
    deployment.remove();
  }, slow);

  test('a function that the owner or the superuser makes is refused to the anonymous role, until it is granted', () => {
    const refused = sql('SELECT api.wipe()', { role: 'web_anon' });
    expect(refused).not.toMatchObject({ code: 0 });
    expect(refused.stderr).toContain('permission denied for function wipe');
    expect(sql('SELECT count(*) FROM api.rows', { role: 'web_anon' }).stdout.trim()).toBe('2');
    expect(sql("CREATE FUNCTION api.one() RETURNS int LANGUAGE sql AS 'SELECT 1'")).toMatchObject({
      code: 0,
    });
    expect(sql('SELECT api.one()', { role: 'web_anon' })).not.toMatchObject({ code: 0 });
    expect(sql('GRANT EXECUTE ON FUNCTION api.one() TO web_anon')).toMatchObject({ code: 0 });
    expect(sql('SELECT api.one()', { role: 'web_anon' })).toMatchObject({ code: 0, stdout: '1\n' });
  });

  test('functions of PostGIS, and of extensions that are made later, run for every role', () => {
    for (const role of ['web_anon', 'tileserv', 'gis'])
      expect(
        sql("SELECT ST_AsText(ST_Buffer(ST_Point(0, 0), 0)), topology.TopologySummary('x') IS NULL", { role })
          .stderr,
      ).not.toContain('permission denied for function');
    // A trusted one, by the owner, which lands in the schema gis; and one of the superuser with functions that its script closes.
    expect(sql('SET search_path = gis, public; CREATE EXTENSION pg_trgm', { role: 'gis' })).toMatchObject({
      code: 0,
    });
    expect(sql('CREATE EXTENSION dblink')).toMatchObject({ code: 0 });
    expect(sql("SELECT gis.similarity('a', 'a')", { role: 'tileserv' })).toMatchObject({ stdout: '1\n' });
    const may = (name: string): string =>
      sql(`SELECT has_function_privilege('tileserv', '${name}', 'EXECUTE')`).stdout.trim();
    expect([may('dblink(text,text)'), may('dblink_connect_u(text)')]).toEqual(['t', 'f']);
  });

  test('a tile function is published by a grant to the role that serves it', () => {
    const tile = (): Ran => sql('SELECT gis.tile(0, 0, 0)', { role: 'tileserv' });
    expect(tile().stderr).toContain('permission denied for function tile');
    expect(
      sql('GRANT EXECUTE ON FUNCTION gis.tile(integer, integer, integer) TO tileserv', { role: 'gis' }),
    ).toMatchObject({ code: 0 });
    expect(tile()).toMatchObject({ code: 0 });
  });

  test('in a database of its own, the functions of its owner are closed to others and its extensions are open', () => {
    const made = sql("CREATE FUNCTION own() RETURNS int LANGUAGE sql AS 'SELECT 1'", {
      role: 'pycsw',
      database: 'pycsw',
    });
    expect(made).toMatchObject({ code: 0 });
    const may = (name: string): string =>
      sql(`SELECT has_function_privilege('public', '${name}', 'EXECUTE')`, {
        database: 'pycsw',
      }).stdout.trim();
    expect([may('own()'), may('st_point(double precision,double precision)')]).toEqual(['f', 't']);
  });

  test('the check lists what the anonymous roles may read, and warns of all that is more', () => {
    expect(sql('GRANT INSERT ON api.rows TO web_anon', { role: 'gis' })).toMatchObject({ code: 0 });
    expect(check()).toEqual([
      'warning everybody may run api.old() as gis',
      'warning tileserv (pg_tileserv) may run gis.tile(integer,integer,integer)',
      'ok      web_anon (PostgREST) may read api.rows',
      'warning web_anon (PostgREST) may insert in api.rows',
      'warning web_anon (PostgREST) may run api.old() as gis, api.one()',
    ]);
  });

  test('the job that makes the roles can run again, and changes no grant of the owner', () => {
    const before = check();
    const again = deployment.run('docker', ['compose', 'run', '--rm', 'postgis-setup']);
    expect({ ...again, stderr: again.stderr.slice(-2000) }).toMatchObject({ code: 0 });
    expect(check()).toEqual(before);
  });
});
