import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createOsgs, type Ran } from '../run.js';
import { madeUpHead } from '../stacks.js';
import { Deployment } from './deployment.js';

const slow = 300_000;
let stack = new Deployment('keepsafe');
const store = stack.beside('store');
const catalog = stack.beside('catalog');
const blob = randomBytes(300_000);

/** A service of a folder outside: its YAML alone says what it keeps. */
const keeper = `${madeUpHead('keeper', 'api', 'Keeps rows and files.')}image: { name: nginx, tag: 1.30.5, evidence: the stand-in }
memory: 16
needs: [postgis]
settings: [{ name: db_password, type: secret, help: "Of the database." }]
compose:
  services:
    keeper:
      entrypoint: [sh, -c, "while sleep 0.1; do echo line; done >>/data/log"]
      environment: { DB_PASSWORD: "\${KEEPER_DB_PASSWORD}" }
      volumes: ["keeper:/data", "keeper-cache:/cache"]
      healthcheck: { test: [CMD, test, -s, /data/log], interval: 1s }
      deploy: { resources: { limits: { memory: 64M } } }
  volumes:
    keeper:
    keeper-cache:
connects: { keeper: [postgis] }
wiring:
  - with: postgis
    compose: { services: { postgis-setup: { environment: { KEEPER_DB_PASSWORD: "\${KEEPER_DB_PASSWORD}" } } } }
    offers: { databases: [{ name: keeper, owner: keeper, password: KEEPER_DB_PASSWORD }] }
state:
  - { database: keeper }
  - { volume: keeper, stop: true }
  - { volume: keeper-cache, skip: It fills again. }
`;

/** Health is asked for every second here, as waiting for it is no part of the test. */
const override = `services:
  mosquitto: { healthcheck: { interval: 1s } }
  node-red: { healthcheck: { interval: 1s } }
  valkey: { healthcheck: { interval: 1s } }
  postgis: { healthcheck: { interval: 1s } }
  sftp: { healthcheck: { interval: 1s } }
  nginx: { healthcheck: { interval: 1s } }
  hugo: { healthcheck: { interval: 1s } }
  # GDAL and Python are in this stand-in.
  gdal: { image: "qgis/qgis-server:3.44.14" }
  restic: { volumes: ["${store}:/store"] }
`;

const docker = (...args: string[]): Ran => stack.run('docker', args);
const compose = (...args: string[]): Ran => docker('compose', ...args);
const sql = (database: string, text: string): string => {
  const psql = ['psql', '-X', '-At', '-v', 'ON_ERROR_STOP=1', '-U', 'postgres', '-d', database];
  const ran = stack.inside('postgis', psql, text);
  if (ran.code !== 0) throw new Error(`${text}: ${ran.stderr}`);
  return ran.stdout;
};
const make = (...args: string[]): Ran => stack.must(...args);
const folders = (): string[] =>
  readdirSync(join(stack.folder, 'backups'))
    .filter((name) => name !== '.gitignore' && name !== 'nightly.log')
    .sort();
const newest = (): string => folders().at(-1) ?? '';
const inBackup = (...path: string[]): string => join(stack.folder, 'backups', ...path);

/** Everything that people put into the stack, as one value to compare. */
const data = (): Record<string, string> => ({
  points: sql('gis', 'select count(*), sum(id), st_extent(geom) from gis.roads'),
  readable: sql('gis', "select has_table_privilege('gis_read', 'gis.roads', 'select')"),
  // A function that calls one of PostGIS without its schema, where a restore needs it.
  generated: sql('town hall', 'select x from gis.wells'),
  private: sql('gis', 'select sum(a) from priv."My Table"'),
  owner: sql('gis', `select pg_get_userbyid(relowner) from pg_class where oid = 'priv."My Table"'::regclass`),
  projection: sql('gis', 'select auth_name from spatial_ref_sys where srid = 990001'),
  ownDatabase: sql('town hall', 'select count(*), md5(string_agg(a::text, $$,$$ order by a)) from t'),
  databaseRights: sql(
    'gis',
    "select datname, datacl from pg_database where datname in ('gis', 'keeper') order by 1",
  ),
  roles: sql('gis', "select rolname, rolpassword from pg_authid where rolname = 'surveyor'"),
  keeper: sql('keeper', 'select * from notes'),
  retained: stack.inside('mosquitto', 'mosquitto_sub -h 127.0.0.1 -t well/# -C 1 -W 5'.split(' ')).stdout,
  queue: stack.make('valkey-cli', 'c=get job').stdout,
  flows: stack.inside('node-red', ['sh', '-c', 'cat /data/flows.json; stat -c %u:%a /data/flows.json'])
    .stdout,
  upload: stack.inside('sftp', ['sh', '-c', 'cd /home/gis/uploads && sha256sum * && stat -c %u:%g:%a *'])
    .stdout,
  hostKey: stack.inside('sftp', ['sha256sum', '/etc/ssh/keys/ssh_host_ed25519_key']).stdout,
  authority: make('ca').stdout,
  page: readFileSync(join(stack.folder, 'services/hugo/site/content/_index.md'), 'utf8'),
  input: readFileSync(join(stack.folder, 'services/gdal/data/points.csv'), 'utf8'),
  override: readFileSync(join(stack.folder, 'compose.override.yaml'), 'utf8'),
  env: readFileSync(join(stack.folder, '.env'), 'utf8'),
});

const startedAt = (): string =>
  docker(
    'inspect',
    '--format',
    '{{.Name}} {{.State.StartedAt}}',
    ...compose('ps', '-q').stdout.trim().split('\n'),
  ).stdout;

/** A copy of a backup in which something was changed and the sums written anew. */
function altered(name: string, change: (manifest: string) => string): string {
  const copy = stack.beside(`altered-${String(Math.random()).slice(2)}`);
  cpSync(inBackup(name), copy, { recursive: true });
  const manifest = join(copy, 'MANIFEST');
  writeFileSync(manifest, change(readFileSync(manifest, 'utf8')));
  expect(
    stack.run('sh', ['-c', `cd ${copy} && rm SHA256SUMS && sha256sum * >../sums && mv ../sums SHA256SUMS`])
      .code,
  ).toBe(0);
  return copy;
}

/** A restore that must be refused before anything changes. */
function refused(from: string, ...why: string[]): void {
  const state = (): string => startedAt() + sql('gis', 'select oid, datname from pg_database order by 1');
  const before = state();
  const ran = stack.make('restore', `from=${from}`, 'yes=1');
  expect(ran.code).not.toBe(0);
  for (const words of [...why, 'Nothing was changed']) expect(ran.stderr).toContain(words);
  expect(state()).toBe(before);
}

const git = (...args: string[]): Ran =>
  stack.run('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', ...args]);

describe('backups of a stack with real data', () => {
  beforeAll(() => {
    mkdirSync(catalog);
    mkdirSync(store);
    writeFileSync(join(catalog, 'keeper.yaml'), keeper);
    const made = createOsgs([
      stack.folder,
      '--yes',
      '--services=mosquitto,node-red,valkey,sftp,hugo,gdal,restic,keeper',
      '--catalog',
      catalog,
      '--domain=safe.example.org',
      '--tls=self-signed',
      '--set=nginx.http_port=8187',
      '--set=nginx.https_port=8188',
      '--set=restic.repository=/store/osgs',
    ]);
    expect(made).toMatchObject({ code: 0 });
    writeFileSync(join(stack.folder, 'compose.override.yaml'), override);
    git('init', '-q');
    git('add', '-A', '--', ':!compose.override.yaml');
    expect(git('commit', '-qm', 'Create the stack')).toMatchObject({ code: 0 });
    make('up');

    const roads = stack.beside('roads.csv');
    writeFileSync(
      roads,
      `id,X,Y\n${Array.from({ length: 500 }, (_, id) => `${id},${id % 90},${id % 45}`).join('\n')}\n`,
    );
    writeFileSync(stack.beside('blob'), blob);
    writeFileSync(join(stack.folder, 'services/gdal/data/points.csv'), 'id\n7\n');
    const page = join(stack.folder, 'services/hugo/site/content/_index.md');
    appendFileSync(page, '\nNot committed yet.\n');
    sql(
      'gis',
      `create role surveyor login password 'Measures-7';
      create schema priv authorization surveyor;
      create table priv."My Table" as select generate_series(1, 7) a;
      alter table priv."My Table" owner to surveyor;
      insert into spatial_ref_sys select 990001, 'town', 990001, srtext, proj4text from spatial_ref_sys where srid = 4326;
      create database "town hall" owner surveyor;`,
    );
    sql(
      'town hall',
      `create table t as select generate_series(1, 1000) a;
      create extension postgis;
      create schema gis;
      create function gis.eastness(geometry) returns float language sql immutable as 'select st_x($1)';
      create table gis.wells (id int, geom geometry, x float generated always as (gis.eastness(geom)) stored);
      insert into gis.wells values (1, st_point(7, 8));`,
    );
    sql('keeper', "create table notes as select 'kept' as note");
    stack.inside('mosquitto', 'mosquitto_pub -h 127.0.0.1 -t well/1 -m 7.5 -r'.split(' '));
    make('valkey-cli', 'c=set job dig');
    stack.inside('node-red', ['sh', '-c', 'umask 077; echo "[]" >/data/flows.json']);
  }, slow);

  afterAll(() => {
    compose('--profile', 'jobs', 'down', '-v', '--remove-orphans');
  }, slow);

  test(
    'files go into a volume and out of it, and a vector file into a schema that others do not see',
    () => {
      make('cp', `from=${stack.beside('blob')}`, 'to=sftp:/home/gis/uploads/');
      make('cp', 'from=sftp:/home/gis/uploads/blob', `to=${stack.beside('again')}`);
      expect(readFileSync(stack.beside('again')).equals(blob)).toBe(true);
      expect(stack.inside('sftp', ['stat', '-c', '%u', '/home/gis/uploads/blob']).stdout).toBe('1000\n');
      const lost = stack.make('cp', `from=${stack.beside('blob')}`, 'to=sftp:/tmp/');
      expect(lost).toMatchObject({ code: 2, stderr: expect.stringContaining('in no volume') as unknown });

      const options =
        'options=-oo X_POSSIBLE_NAMES=X -oo Y_POSSIBLE_NAMES=Y -oo AUTODETECT_TYPE=YES -a_srs EPSG:4326';
      make('load', `file=${stack.beside('roads.csv')}`, options);
      make('load', `file=${stack.beside('roads.csv')}`, 'schema=survey', options);
      expect(sql('gis', 'select count(*), st_srid(geom) from gis.roads group by 2')).toBe('500|4326\n');
      expect(sql('gis', "select has_table_privilege('gis_read', 'gis.roads', 'select')")).toBe('t\n');
      expect(sql('gis', "select has_schema_privilege('gis_read', 'survey', 'usage')")).toBe('f\n');
    },
    slow,
  );

  test(
    'a backup holds what every service keeps, is for its owner alone, and stops only what must be',
    () => {
      const before = startedAt().split('\n');
      make('backup');
      const [name = ''] = folders();
      expect(folders()).toEqual([name]);
      expect(readdirSync(inBackup(name)).sort()).toEqual(
        [
          'MANIFEST',
          'SHA256SUMS',
          'dot-env',
          'own-files.txt',
          'repository.tar.gz',
          'roles-postgis.sql',
          'database-postgis-gis.dump',
          'database-postgis-keeper.dump',
          'database-postgis-postgres.dump',
          expect.stringMatching(/^database-postgis-\d+\.dump$/),
          'folder-services_gdal_data.tar.gz',
          'folder-services_hugo_site.tar.gz',
          'volume-certificate-authority.tar.gz',
          'volume-keeper.tar.gz',
          'volume-mosquitto.tar.gz',
          'volume-node-red.tar.gz',
          'volume-sftp.tar.gz',
          'volume-sftp-keys.tar.gz',
          'volume-valkey.tar.gz',
        ].sort((a, b) => (String(a) < String(b) ? -1 : 1)),
      );
      for (const file of readdirSync(inBackup(name)))
        expect(statSync(inBackup(name, file)).mode & 0o77).toBe(0);
      expect(statSync(inBackup()).mode & 0o77).toBe(0);
      expect(git('status', '--porcelain', '--', 'backups').stdout).toBe('');
      const after = startedAt().split('\n');
      const restarted = after.filter((line) => !before.includes(line)).map((line) => line.split(' ')[0]);
      expect(restarted.sort()).toEqual(
        ['keeper', 'mosquitto', 'node-red', 'valkey'].map((container) => `/keepsafe-${container}-1`),
      );
      expect(make('backups', 'check=1').stdout).toMatch(new RegExp(`^${name} .* all  whole\n$`));
    },
    slow,
  );

  test(
    'a drill restores the backup beside the stack, finds it the same, and leaves nothing',
    () => {
      const running = startedAt();
      sql('gis', 'insert into gis.roads (id) values (9999)');
      const { stdout } = make('restore-drill');
      expect(stdout).toMatch(
        /same {5}database postgis\/gis: \d+ tables, \d+ rows\n +by now gis.roads\t501\n/,
      );
      expect(stdout).toContain('same     volume sftp\n');
      expect(stdout).toMatch(/can be restored\n$/);
      sql('gis', 'delete from gis.roads where id = 9999');
      expect(startedAt()).toBe(running);
      for (const kind of ['volume', 'network'])
        expect(docker(kind, 'ls', '-q', '--filter', 'name=keepsafe-drill').stdout).toBe('');
      expect(docker('ps', '-aq', '--filter', 'name=keepsafe-drill').stdout).toBe('');
    },
    slow,
  );

  test(
    'what is damaged, incomplete, of another stack or of newer software is refused before anything changes',
    () => {
      const [name = ''] = folders();
      for (const file of ['volume-sftp.tar.gz', 'database-postgis-gis.dump', 'MANIFEST']) {
        const copy = stack.beside('flipped');
        cpSync(inBackup(name), copy, { recursive: true });
        const bytes = readFileSync(join(copy, file));
        bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
        writeFileSync(join(copy, file), bytes);
        refused(copy, `${file} is damaged`);
        rmSync(join(copy, file));
        refused(copy, file);
        rmSync(copy, { recursive: true });
      }
      refused(
        altered(name, (text) => text.replace('stack\tkeepsafe', 'stack\tother')),
        "of the stack 'other'",
      );
      refused(
        altered(name, (text) => text.replace(/server\tpostgis\t\d+/, 'server\tpostgis\t99')),
        'PostgreSQL 99',
      );
      refused(
        altered(name, (text) => text.replace('node-red:5', 'node-red:6')),
        'nodered/node-red:6',
      );
      refused(
        altered(name, (text) => text.replace('backup 1', 'backup 2')),
        'another version',
      );
    },
    slow,
  );

  test(
    'one service or one database comes back alone, and never unasked',
    () => {
      sql('gis', 'delete from gis.roads');
      sql('town hall', 'delete from t');
      sql('keeper', 'delete from notes');
      const page = join(stack.folder, 'services/hugo/site/content/_index.md');
      writeFileSync(page, 'spoilt');
      const unasked = stack.make('restore-keeper');
      expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining('yes=1') as unknown });
      expect(sql('keeper', 'select count(*) from notes')).toBe('0\n');
      make('restore-keeper', 'yes=1');
      expect(sql('keeper', 'select * from notes')).toBe('kept\n');
      make('restore-hugo', 'yes=1');
      expect(readFileSync(page, 'utf8')).toContain('Not committed yet.');
      expect(sql('gis', 'select count(*) from gis.roads')).toBe('0\n');
      make('restore-postgres', 'yes=1');
      expect(sql('gis', 'select count(*) from gis.roads')).toBe('500\n');
      expect(sql('town hall', 'select count(*) from t')).toBe('1000\n');
    },
    slow,
  );

  test(
    'a database that dies in the middle leaves an error and no backup, and what was stopped runs again',
    async () => {
      const before = folders();
      sql(
        'keeper',
        `create table big as select g, string_agg(md5(random()::text), '') from generate_series(1, 700) g, generate_series(1, 3000) group by g`,
      );
      const child = spawn('make', ['-s', 'backup', 's=keeper'], { cwd: stack.folder });
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
      const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
      const size = (): number => {
        const partial = folders().find((name) => name.startsWith('.partial'));
        const dump = inBackup(partial ?? '', 'database-postgis-keeper.dump');
        return partial !== undefined && existsSync(dump) ? statSync(dump).size : 0;
      };
      for (let tries = 0; size() < 100_000 && tries < 3000; tries += 1) await sleep(5);
      expect(size()).toBeGreaterThan(0);
      expect(compose('kill', 'postgis').code).toBe(0);
      expect(await ended).not.toBe(0);
      expect(said).toContain('there is NO new backup');
      expect(folders()).toEqual(before);
      expect(compose('ps', '--services', '--status', 'running').stdout.split('\n')).toContain('keeper');
      make('up');
      sql('keeper', 'drop table big');
    },
    slow,
  );

  test(
    'restic copies the backups elsewhere, and brings one back',
    () => {
      const [name = ''] = folders();
      make('offsite');
      expect(make('offsite-list').stdout).toContain(name);
      renameSync(inBackup(name), stack.beside('original'));
      make('offsite-fetch', `name=${name}`);
      for (const file of readdirSync(stack.beside('original')))
        expect(
          readFileSync(inBackup(name, file)).equals(readFileSync(join(stack.beside('original'), file))),
        ).toBe(true);
      expect(make('backups', 'check=1').stdout).toContain('whole');
    },
    slow,
  );

  test(
    'on an empty host a new clone and an encrypted backup give everything back',
    () => {
      appendFileSync(join(stack.folder, '.env'), 'BACKUP_PASSPHRASE=Nine lives, said the cat\n');
      make('backup');
      const name = newest();
      const before = data();
      const known = [stack.secret('KEEPER_DB_PASSWORD'), 'Measures-7', 'kept'];
      for (const file of readdirSync(inBackup(name)))
        for (const word of known) expect(readFileSync(inBackup(name, file)).includes(word)).toBe(false);
      const old = stack;
      old.run('docker', ['compose', '--profile', 'jobs', 'down', '-v']);
      expect(docker('volume', 'ls', '-q', '--filter', 'name=keepsafe_').stdout).toBe('');
      stack = new Deployment('keepsafe');
      mkdirSync(stack.beside('.'), { recursive: true });
      expect(old.run('git', ['clone', '-q', old.folder, stack.folder]).code).toBe(0);
      mkdirSync(join(stack.folder, 'backups'));
      cpSync(join(old.folder, 'backups', name), inBackup(name), { recursive: true });

      const locked = stack.make('restore', 'from=latest');
      expect(locked).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('BACKUP_PASSPHRASE') as unknown,
      });
      const wrong = stack.make('restore', 'from=latest', 'BACKUP_PASSPHRASE=wrong');
      expect(wrong).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('cannot be decrypted') as unknown,
      });
      expect(docker('volume', 'ls', '-q', '--filter', 'name=keepsafe_').stdout).toBe('');

      make('restore', 'from=latest', 'BACKUP_PASSPHRASE=Nine lives, said the cat');
      expect(data()).toEqual(before);
      expect(before.queue).toBe('dig\n');
      expect(createHash('sha256').update(blob).digest('hex')).toBe(before.upload?.slice(0, 64));
      expect(stack.make('check').stdout).toContain('all checks passed');
    },
    slow,
  );
});
