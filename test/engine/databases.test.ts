import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createOsgs, type Ran } from '../run.js';
import { madeUpHead } from '../stacks.js';
import { Deployment } from './deployment.js';

const slow = 300_000;
const deployment = new Deployment('databases');
const catalog = deployment.beside('catalog');

/** A service of a folder outside: psql is in the image, and nothing but psql is wanted of it. */
const keeper = `${madeUpHead('keeper', 'api', 'Keeps rows.')}image: { name: postgis/postgis, tag: 18-3.6, evidence: the stand-in }
memory: 16
needs: [postgis]
settings:
  - { name: db_password, type: secret, help: "Of the database." }
  - { name: schema_password, type: secret, help: "Of the schema." }
  - { name: reader_password, type: secret, help: "Of a reader." }
compose:
  services:
    keeper:
      entrypoint: [sleep, infinity]
      user: "999:999"
      environment:
        PGHOST: postgis
        DB_PASSWORD: \${KEEPER_DB_PASSWORD}
        SCHEMA_PASSWORD: \${KEEPER_SCHEMA_PASSWORD}
        READER_PASSWORD: \${KEEPER_READER_PASSWORD}
      healthcheck: { test: [CMD, pgrep, sleep] }
      depends_on: { postgis-setup: { condition: service_completed_successfully } }
      deploy: { resources: { limits: { memory: 64M } } }
connects: { keeper: [postgis] }
wiring:
  - with: postgis
    compose:
      services:
        postgis-setup:
          environment:
            KEEPER_DB_PASSWORD: \${KEEPER_DB_PASSWORD}
            KEEPER_SCHEMA_PASSWORD: \${KEEPER_SCHEMA_PASSWORD}
            KEEPER_READER_PASSWORD: \${KEEPER_READER_PASSWORD}
    offers:
      databases: [{ name: keeper, owner: keeper, password: KEEPER_DB_PASSWORD, extensions: [postgis] }]
      roles:
        - { name: mapper, password: KEEPER_SCHEMA_PASSWORD, access: schema, schema: osm }
        - { name: reader, password: KEEPER_READER_PASSWORD, access: read }
stateless: A test.
`;

/** SQL as one of the roles, over the network as a service does it. */
function sql(role: string, password: string, database: string, text: string): Ran {
  const psql = `PGPASSWORD=$${password} exec psql -X -At -v ON_ERROR_STOP=1 -U ${role} -d ${database}`;
  return deployment.inside('keeper', ['sh', '-c', psql], text);
}

describe('databases and schemas of services on a real engine', () => {
  beforeAll(() => {
    mkdirSync(catalog);
    writeFileSync(join(catalog, 'keeper.yaml'), keeper);
    const made = createOsgs([
      deployment.folder,
      '--yes',
      '--services=keeper',
      '--catalog',
      catalog,
      '--tls=off',
      '--set=nginx.http_port=8089',
    ]);
    expect(made).toMatchObject({ code: 0 });
    // The health check is this test's own: procps is not in the image.
    const up = deployment.run('sh', ['scripts/up.sh', 'keeper']);
    expect({ ...up, stderr: up.stderr.slice(-2000) }).toMatchObject({ code: 0 });
  }, slow);
  afterAll(() => {
    deployment.remove();
  }, slow);

  test('a service owns its database, with the extensions that it asked for, and enters no other', () => {
    const own = sql(
      'keeper',
      'DB_PASSWORD',
      'keeper',
      'create table t (g geometry(Point, 4326)); insert into t values (ST_SetSRID(ST_Point(1, 2), 4326)); select ST_AsText(g) from t;',
    );
    expect(own.stdout).toContain('POINT(1 2)');
    expect(sql('keeper', 'DB_PASSWORD', 'gis', 'select 1').stderr).toContain(
      'permission denied for database',
    );
    for (const [role, password] of [
      ['mapper', 'SCHEMA_PASSWORD'],
      ['reader', 'READER_PASSWORD'],
    ] as const)
      expect(sql(role, password, 'keeper', 'select 1').stderr).toContain('permission denied for database');
  });

  test('a service owns its schema, which readers read, and writes nowhere else', () => {
    expect(
      sql('mapper', 'SCHEMA_PASSWORD', 'gis', 'create table roads (id int); insert into roads values (7);'),
    ).toMatchObject({ code: 0 });
    expect(sql('reader', 'READER_PASSWORD', 'gis', 'select id from osm.roads').stdout.trim()).toBe('7');
    expect(sql('reader', 'READER_PASSWORD', 'gis', 'insert into osm.roads values (8)').stderr).toContain(
      'permission denied',
    );
    expect(sql('mapper', 'SCHEMA_PASSWORD', 'gis', 'create table gis.x (id int)').stderr).toContain(
      'permission denied',
    );
    expect(sql('mapper', 'SCHEMA_PASSWORD', 'gis', 'create table public.x (id int)').stderr).toContain(
      'permission denied',
    );
  });

  test(
    'the set-up runs again without a change and without an error',
    () => {
      const again = deployment.run('docker', ['compose', 'run', '--rm', '-T', 'postgis-setup']);
      expect(again).toMatchObject({ code: 0 });
      expect(sql('keeper', 'DB_PASSWORD', 'keeper', 'select count(*) from t').stdout.trim()).toBe('1');
    },
    slow,
  );
});
