import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createOsgs, run, type Ran } from '../run.js';
import { Deployment } from './deployment.js';

const slow = 600_000;
const deployment = new Deployment('faultdisk');
const { folder } = deployment;
const port = 8330;
const sizes: Record<string, string> = {
  postgis: '220m',
  mapproxy: '16m',
  // Whose folder belongs to the image's user.
  valkey: '16m,uid=999,gid=1000',
  'nginx-cache': '16m',
};

const docker = deployment.docker.bind(deployment);
const inside = (name: string, command: string): Ran => deployment.inside(name, ['sh', '-c', command]);
const fill = (volume: string): void => {
  // To the last block.
  inside(
    'holder',
    `cat /dev/zero >/volumes/${volume}/ballast; for n in 1 2 3; do echo x >>/volumes/${volume}/ballast; done`,
  );
  expect(inside('holder', `df -Pk /volumes/${volume}`).stdout).toMatch(/ 100% /);
};
const makeRoom = (volume: string): void => {
  expect(inside('holder', `rm /volumes/${volume}/ballast`).code).toBe(0);
};
const psql = (text: string): Ran =>
  deployment.inside(
    'postgis',
    ['psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-U', 'postgres', '-d', 'gis'],
    text,
  );
const valkey = (...command: string[]): string =>
  deployment.make('valkey-cli', `c=${command.join(' ')}`).stdout.trim();

async function until(what: string, seconds: number, ready: () => boolean): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!ready()) {
    if (Date.now() > end) throw new Error(`not after ${seconds} s: ${what}`);
    await sleep(1000);
  }
}

/** Status and size of an answer that came whole. */
function ask(path: string): string {
  const ran = run('curl', [
    ...['-sS', '--max-time', '60', '--connect-to', `::127.0.0.1:${port}`, '-o', '/dev/null'],
    ...['-w', '%{http_code} %{content_type} %{size_download}', `http://gis.example.org:${port}${path}`],
  ]);
  return ran.code === 0 ? ran.stdout : ran.stderr;
}
const map = (corner: number): string =>
  `/ogc/world?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=countries&STYLES=&CRS=EPSG:4326&WIDTH=256&HEIGHT=256&FORMAT=image/png&BBOX=${corner},0,${corner + 40},40`;
const picture = /^200 image\/png [1-9]\d{2,}$/;
const check = (): Ran => deployment.make('check');

describe('a stack whose disk is full', () => {
  beforeAll(() => {
    const made = createOsgs([
      folder,
      '--yes',
      '--services=postgis,qgis-server,mapproxy,valkey',
      '--domain=gis.example.org',
      '--tls=off',
      `--set=nginx.http_port=${port}`,
      '--set=nginx.cache=true',
      '--set=postgis.shared_buffers=64MB',
    ]);
    expect(made).toMatchObject({ code: 0 });
    // The holder fills volumes, and keeps them while another container starts again: they are in memory.
    writeFileSync(
      join(folder, 'compose.override.yaml'),
      `services:
${['nginx', 'postgis', 'qgis-server', 'mapproxy', 'valkey'].map((name) => `  ${name}: { healthcheck: { interval: 2s } }\n`).join('')}  holder:
    image: nginx:1.30.5
    entrypoint: [sleep, infinity]
    init: true
    healthcheck: { test: [CMD, "true"], interval: 2s }
    volumes: [${Object.keys(sizes)
      .map((name) => `"${name}:/volumes/${name}"`)
      .join(', ')}]
volumes:
${Object.entries(sizes)
  .map(([name, size]) => `  ${name}: { driver_opts: { type: tmpfs, device: tmpfs, o: "size=${size}" } }\n`)
  .join('')}`,
    );
    deployment.must('up');
    expect(
      psql('create table gis.kept (a int); insert into gis.kept select generate_series(1, 1000)'),
    ).toMatchObject({ code: 0 });
    expect(check()).toMatchObject({ code: 0 });
  }, slow);
  afterEach(() => {
    inside('holder', 'rm -f /volumes/*/ballast');
  });
  afterAll(() => {
    deployment.remove();
  }, slow);

  test(
    "nginx's cache: maps come whole all the same, make check says what is full, and tiles are kept again when there is room",
    () => {
      fill('nginx-cache');
      for (const corner of [1, 2, 3]) expect(ask(map(corner))).toMatch(picture);
      const checked = check();
      expect(checked.code).not.toBe(0);
      expect(checked.stdout).toMatch(/FAILED {2}disk: nginx-cache: 0 of \d+ KiB are free/);
      expect(checked.stdout).toMatch(/^1 checks failed$/m);
      makeRoom('nginx-cache');
      expect(check()).toMatchObject({ code: 0 });
      expect(ask(map(4))).toMatch(picture);
    },
    slow,
  );

  test(
    "MapProxy's cache: what is there is served, other services do not notice, and new tiles come when there is room",
    async () => {
      const tile = (column: number): string => `/mapproxy/wmts/qgis/web/3/${column}/2.png`;
      expect(ask(tile(1))).toMatch(picture);
      fill('mapproxy');
      expect(ask(tile(1))).toMatch(picture);
      ask(tile(3));
      expect(ask(map(5))).toMatch(picture);
      expect(check().stdout).toContain('FAILED  disk: mapproxy: ');
      makeRoom('mapproxy');
      await until('a new tile comes', 60, () => picture.test(ask(tile(4))));
      expect(check()).toMatchObject({ code: 0 });
    },
    slow,
  );

  test(
    'Valkey: it refuses new values, keeps those it has, and takes new ones when there is room',
    async () => {
      expect(valkey('set', 'kept', 'yes')).toBe('OK');
      fill('valkey');
      // Its next save, within a minute, fails.
      valkey('set', 'other', 'x');
      await until('Valkey refuses', 120, () => valkey('set', 'new', 'x').includes('MISCONF'));
      expect(valkey('get', 'kept')).toBe('yes');
      expect(check().stdout).toContain('FAILED  disk: valkey: ');
      makeRoom('valkey');
      await until('Valkey takes values', 90, () => valkey('set', 'new', 'x') === 'OK');
      docker('compose', 'restart', 'valkey');
      await until('Valkey is back', 60, () => valkey('get', 'kept') === 'yes');
    },
    slow,
  );

  test(
    'PostgreSQL: it refuses what does not fit, loses nothing that it took, make backup fails while it is down, and it comes back by itself when there is room',
    async () => {
      fill('postgis');
      const refused = psql(
        'create table gis.big as select a, repeat(md5(a::text), 20) as b from generate_series(1, 200000) a',
      );
      expect(refused.code).not.toBe(0);
      expect(refused.stderr).toMatch(
        /No space left on device|server closed the connection|could not connect|is not running/,
      );
      // Without room for its log it stops, and starts again and again.
      const checked = check();
      expect(checked.code).not.toBe(0);
      expect(checked.stdout).toContain('FAILED  disk: postgis: ');
      expect(ask(map(6))).toMatch(picture);
      expect(valkey('get', 'kept')).toBe('yes');
      docker('compose', 'kill', '-s', 'KILL', 'postgis');
      const backup = deployment.make('backup');
      expect(backup.code).not.toBe(0);
      expect(backup.stderr).toContain('there is NO new backup');
      docker('compose', 'start', 'postgis');
      makeRoom('postgis');
      await until('PostgreSQL takes values', 180, () => psql('insert into gis.kept values (0)').code === 0);
      expect(psql('select count(*) from gis.kept').stdout.trim()).toBe('1001');
      expect(psql("select to_regclass('gis.big') is null").stdout.trim()).toBe('t');
      await until('make check passes', 60, () => check().code === 0);
    },
    slow,
  );

  test(
    'the folder of backups: make backup fails, says why, leaves nothing that looks whole and no service stopped, and does its work when there is room',
    async () => {
      mkdirSync(join(folder, 'backups'), { recursive: true });
      const full = (): string[] =>
        readdirSync(join(folder, 'backups')).filter((name) => /^(\.partial|\d)/.test(name));
      const mounted = run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', join(folder, 'backups')]);
      expect(mounted).toMatchObject({ code: 0 });
      try {
        const backup = deployment.make('backup');
        expect(backup.code).not.toBe(0);
        expect(backup.stderr).toMatch(/no space left on device/i);
        expect(backup.stderr).toContain('there is NO new backup');
        expect(full()).toEqual([]);
      } finally {
        run('umount', [join(folder, 'backups')]);
      }
      await until('make check passes', 60, () => check().code === 0);
      expect(deployment.make('backup')).toMatchObject({ code: 0 });
      expect(full()).toHaveLength(1);
    },
    slow,
  );
});
