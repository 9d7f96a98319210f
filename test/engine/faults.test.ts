import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createOsgs, run } from '../run.js';
import { countriesSql, writeAtlas } from './countries.js';
import { Deployment } from './deployment.js';
import { Load } from './load.js';

const slow = 600_000;
const deployment = new Deployment('fault');
const { folder } = deployment;
const port = 8320;
const site = `http://gis.example.org:${port}`;

/** What answers through nginx: the container, and an address that needs it. */
const routes: Record<string, string> = {
  'qgis-server': '/ogc/world?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetCapabilities',
  mapproxy: '/mapproxy/service?service=WMS&version=1.3.0&request=GetCapabilities',
  'swagger-ui': '/swagger/',
  'node-red': '/node-red/',
};
/** Those whose absence no address of nginx shows. */
const behind = ['postgis', 'mosquitto', 'valkey', 'hugo'];

const docker = deployment.docker.bind(deployment);
const make = deployment.must.bind(deployment);
const idOf = (name: string): string => docker('compose', 'ps', '-aq', name);
const inspect = (name: string, format: string): string => docker('inspect', '--format', format, idOf(name));
/** nginx, as long as it was not started again. */
const nginx = (): string => inspect('nginx', '{{.Id}} {{.State.StartedAt}} {{.State.Pid}}');

async function until(what: string, seconds: number, ready: () => boolean): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!ready()) {
    if (Date.now() > end) throw new Error(`not after ${seconds} s: ${what}`);
    await sleep(500);
  }
}

/** Status and type of an answer; `502 page` where it is the decent one. */
function ask(path: string): string {
  const ran = run('curl', [
    ...['-sS', '--max-time', '30', '--connect-to', `::127.0.0.1:${port}`],
    ...['-w', '\n%{http_code} %{content_type}', site + path],
  ]);
  if (ran.code !== 0) return ran.stderr;
  const said = ran.stdout.slice(ran.stdout.lastIndexOf('\n') + 1);
  return ran.stdout.includes('Back in a moment') ? `${said.slice(0, 3)} page` : said;
}
const map =
  '/ogc/atlas?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=countries&STYLES=&CRS=EPSG:4326&BBOX=-90,-180,90,180&WIDTH=200&HEIGHT=100&FORMAT=image/png';

const psql = (text: string): string => {
  const ran = deployment.inside('postgis', ['psql', '-XAtq', '-U', 'postgres', '-d', 'gis'], text);
  if (ran.code !== 0) throw new Error(ran.stderr);
  return ran.stdout.trim();
};

/** Numbers from 0 to 1, the same for the same seed. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
function shuffled(names: string[], seed: number): string[] {
  const next = chance(seed);
  return names
    .map((name) => ({ name, key: next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ name }) => name);
}

/** Visitors who ask for all of the routes. */
const visitors = (): Load =>
  new Load({
    port,
    targets: Object.entries(routes).map(([name, path]) => ({ name, url: site + path })),
    visitors: 2,
    pause: 100,
    limit: 20_000,
    file: deployment.beside('tally'),
  });

describe('a stack in which things fail', () => {
  beforeAll(() => {
    const made = createOsgs([
      folder,
      '--yes',
      '--services=postgis,qgis-server,mapproxy,hugo,swagger-ui,node-red,mosquitto,valkey',
      '--domain=gis.example.org',
      '--tls=off',
      `--set=nginx.http_port=${port}`,
      '--set=nginx.requests_per_second=10000',
    ]);
    expect(made).toMatchObject({ code: 0 });
    writeAtlas(folder);
    // Health is asked for often here, as waiting for it is no part of the test.
    writeFileSync(
      join(folder, 'compose.override.yaml'),
      `services:\n${['nginx', ...Object.keys(routes), ...behind]
        .map((name) => `  ${name}: { healthcheck: { interval: 2s } }\n`)
        .join('')}`,
    );
    make('up');
    psql(countriesSql());
    psql('create table gis.kept (a int); insert into gis.kept select generate_series(1, 1000)');
  }, slow);
  afterEach(() => Load.stopAll(), slow);
  afterAll(() => {
    deployment.remove();
  }, slow);

  test.each([...Object.keys(routes), ...behind])(
    '%s is killed under load: it comes back by itself, nginx answers for it meanwhile and finds it again, and the others do not notice',
    async (name) => {
      const before = nginx();
      const load = visitors();
      await until('the load has begun', 60, () => load.asked() > 20);
      const restarts = Number(inspect(name, '{{.RestartCount}}'));
      const moment = Date.now();
      process.kill(Number(inspect(name, '{{.State.Pid}}')), 'SIGKILL');
      await until(
        `${name} is healthy again`,
        180,
        () => inspect(name, '{{.RestartCount}} {{.State.Health.Status}}') === `${restarts + 1} healthy`,
      );
      for (const target of Object.keys(routes)) {
        await until(`${target} answers`, 60, () => load.since(target, Date.now()).now === '200');
        const allowed = target === name ? ['200', '502 page', '504 page'] : ['200'];
        for (const outcome of load.since(target, moment).outcomes)
          expect({ target, outcome: allowed.includes(outcome) ? 'well' : outcome }).toEqual({
            target,
            outcome: 'well',
          });
      }
      await load.stop();
      await until('the map of the database is drawn', 60, () => ask(map) === '200 image/png');
      expect(psql('select count(*) from gis.kept')).toBe('1000');
      expect(nginx()).toBe(before);
    },
    slow,
  );

  test(
    'nginx is killed under load: it comes back by itself, and nobody is turned away after that',
    async () => {
      const load = visitors();
      await until('the load has begun', 60, () => load.asked() > 20);
      process.kill(Number(inspect('nginx', '{{.State.Pid}}')), 'SIGKILL');
      await until(
        'nginx is healthy again',
        120,
        () => inspect('nginx', '{{.RestartCount}} {{.State.Health.Status}}') === '1 healthy',
      );
      await sleep(1000);
      const moment = Date.now();
      await sleep(3000);
      for (const target of Object.keys(routes))
        expect({ target, ...load.since(target, moment) }).toEqual({ target, outcomes: ['200'], now: '200' });
      await load.stop();
    },
    slow,
  );

  test(
    'nginx starts where a service is missing, answers for it with a page, and finds it when it comes',
    async () => {
      docker('compose', 'rm', '-fs', 'swagger-ui');
      docker('compose', 'restart', 'nginx');
      await until('nginx is healthy', 120, () => inspect('nginx', '{{.State.Health.Status}}') === 'healthy');
      const before = nginx();
      expect(ask('/swagger/')).toBe('502 page');
      expect(ask(routes['node-red'] ?? '')).toMatch(/^200 /);
      expect(deployment.make('check').code).not.toBe(0);
      docker('compose', 'up', '-d', '--no-deps', 'swagger-ui');
      await until('swagger-ui is found', 60, () => ask('/swagger/').startsWith('200 '));
      expect(nginx()).toBe(before);
    },
    slow,
  );

  test.each([1, 2])(
    'after a stop its containers start in any order (%s), as after a start of the host, and all is well',
    async (seed) => {
      docker('compose', 'stop');
      const names = docker('compose', 'ps', '-a', '--format', '{{.Name}} {{.ExitCode}} {{.Service}}')
        .split('\n')
        .filter((line) => !line.endsWith('-setup'))
        .map((line) => line.split(' ')[0] ?? '');
      for (const name of shuffled(names, seed)) docker('start', name);
      expect(deployment.run('sh', ['scripts/wait.sh'])).toMatchObject({ code: 0 });
      await until('make check passes', 90, () => deployment.make('check').code === 0);
      expect(psql('select count(*) from gis.kept')).toBe('1000');
    },
    slow,
  );

  test.each([3, 4])(
    'made anew, with empty volumes, its containers and jobs start in any order (%s), and all is well',
    async (seed) => {
      docker('compose', 'down', '-v');
      docker('compose', 'create');
      const names = docker('compose', 'ps', '-a', '--format', '{{.Name}}').split('\n').sort();
      expect(names.length).toBeGreaterThan(10);
      for (const name of shuffled(names, seed)) docker('start', name);
      const waited = deployment.run('sh', ['scripts/wait.sh']);
      expect({
        ...waited,
        stdout: waited.stdout.slice(-500),
        stderr: waited.stderr.slice(-3000),
      }).toMatchObject({ code: 0 });
      await until('make check passes', 90, () => deployment.make('check').code === 0);
      // With the role that the job made.
      psql(countriesSql());
      await until('the map of the database is drawn', 60, () => ask(map) === '200 image/png');
    },
    slow,
  );
});
