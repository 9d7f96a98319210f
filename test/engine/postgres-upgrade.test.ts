import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createOsgs, type Ran } from '../run.js';
import { Deployment } from './deployment.js';

const slow = 300_000;
const deployment = new Deployment('major');
const { folder } = deployment;
const file = join(folder, 'compose.yaml');
const override = join(folder, 'compose.override.yaml');
const next = 'osgs-standin-postgis:next';
const often = `services:
  nginx: { healthcheck: { interval: 1s } }
  postgis: { healthcheck: { interval: 1s } }
`;

function sql(text: string): Ran {
  const psql = ['psql', '-U', 'postgres', '-d', 'gis', '-X', '-At', '-v', 'ON_ERROR_STOP=1'];
  return deployment.inside('postgis', psql, text);
}
const version = (): string => sql('SHOW server_version_num').stdout.slice(0, 2);
const rows = (): string => sql('SELECT count(*), sum(ST_Area(geom)) FROM gis.fields').stdout;
const upgrade = (...words: string[]): Ran => deployment.make('postgis-upgrade', ...words);
const clusters = (): string => deployment.inside('postgis', ['ls', '/var/lib/postgresql']).stdout;

/** What compose.yaml says of the server's image, in the place of the version of now. */
function name(image: string): void {
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/image: \S*postgis:\S+/g, `image: ${image}`));
}

describe('another major version of PostgreSQL on a real engine', () => {
  let now = '';

  beforeAll(() => {
    const made = createOsgs([
      folder,
      '--yes',
      '--services=postgis',
      '--domain=gis.example.org',
      '--tls=off',
      '--set=nginx.http_port=8097',
    ]);
    expect(made).toMatchObject({ code: 0 });
    now = /image: (\S*postgis:\S+)/.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
    writeFileSync(override, often);
    expect(deployment.make('up')).toMatchObject({ code: 0 });
    expect(
      sql(`CREATE TABLE gis.fields (id int PRIMARY KEY, geom geometry(Polygon, 4326));
        INSERT INTO gis.fields SELECT n, ST_MakeEnvelope(0, 0, n, 1, 4326) FROM generate_series(1, 50) n;`),
    ).toMatchObject({ code: 0 });
    expect(rows()).toBe('50|1275\n');
  }, slow);

  afterAll(() => {
    deployment.remove();
  }, slow);

  test(
    'does not start on the data of before: it says so, makes no empty database, and the old image has all of it',
    () => {
      name(next);
      const up = deployment.make('up', 'WAIT_SECONDS=10');
      expect(up.code).not.toBe(0);
      expect(up.stderr + up.stdout).toContain('make postgis-upgrade');
      name(now);
      expect(deployment.make('up')).toMatchObject({ code: 0 });
      expect(rows()).toBe('50|1275\n');
      expect(clusters()).not.toContain('19');
    },
    slow,
  );

  test(
    'make postgis-upgrade goes back to the old version and its data where the new one does not start',
    () => {
      name(next);
      appendFileSync(
        override,
        // Only the new server knows this setting.
        `  postgis-setup: { entrypoint: [sh, -c, 'PGPASSWORD="$$(cat /run/secrets/POSTGIS_PASSWORD)" psql -c "SHOW io_method" && exit 1 || exec sh /setup/setup.sh'] }\n`,
      );
      const refused = upgrade('WAIT_SECONDS=40');
      writeFileSync(override, often);
      expect(refused.code).not.toBe(0);
      expect(refused.stderr).toContain('runs again');
      expect(version()).toBe('17');
      expect(rows()).toBe('50|1275\n');
      expect(clusters()).not.toContain('19');
    },
    slow,
  );

  test(
    'make postgis-upgrade takes every row over and keeps the old cluster until it is told',
    () => {
      name(next);
      const upgraded = upgrade();
      expect({ code: upgraded.code, said: upgraded.code === 0 ? '' : upgraded.stderr }).toEqual({
        code: 0,
        said: '',
      });
      expect(upgraded.stdout).toContain('make postgis-drop-old');
      expect(version()).toBe('18');
      expect(rows()).toBe('50|1275\n');
      expect(clusters()).toBe('18\n19\n');
      expect(upgrade().stdout).toContain('already');
      expect(deployment.make('up')).toMatchObject({ code: 0 });
      expect(deployment.make('postgis-drop-old')).toMatchObject({ code: 0 });
      expect(clusters()).toBe('19\n');
      expect(rows()).toBe('50|1275\n');
    },
    slow,
  );
});
