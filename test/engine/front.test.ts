import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createOsgs, run } from '../run.js';
import { Deployment } from './deployment.js';
import { Load, type LoadOrder } from './load.js';

const slow = 600_000;
const deployment = new Deployment('speedtest');
const { folder } = deployment;
const port = 8311;
const site = `https://gis.example.org:${port}`;
const ca = deployment.beside('ca.crt');
const map = (corner: number): string =>
  `${site}/ogc/world?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=countries&STYLES=&CRS=EPSG:4326&WIDTH=64&HEIGHT=64&FORMAT=image/png&BBOX=${corner},0,${corner + 40},40`;
const capabilities = `${site}/ogc/world?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetCapabilities`;

const docker = deployment.docker.bind(deployment);
const make = deployment.must.bind(deployment);
const containers = (): string[] => docker('compose', 'ps', '-q', 'qgis-server').split('\n');
/** nginx, as long as it was not started again. */
const nginx = (): string =>
  docker(
    'inspect',
    '--format',
    '{{.Id}} {{.State.StartedAt}} {{.State.Pid}}',
    docker('compose', 'ps', '-q', 'nginx'),
  );
/** How many requests a container has in its log. */
const served = (container: string): number =>
  docker('logs', container)
    .split('\n')
    .filter((line) => line.includes('GET /ogc/world')).length;

function load(more: Partial<LoadOrder> & Pick<LoadOrder, 'targets'>): Load {
  return new Load({
    port,
    ca,
    visitors: 4,
    pause: 5,
    limit: 100_000,
    file: deployment.beside('tally'),
    ...more,
  });
}

/** A request with an own connection: status and what nginx says of its cache. */
function ask(url: string): string {
  const ran = run('curl', [
    ...['-sS', '--cacert', ca, '--connect-to', '::127.0.0.1:', '-o', '/dev/null'],
    ...['-w', '%{http_code} %header{x-cache-status}', url],
  ]);
  return ran.code === 0 ? ran.stdout.trim() : ran.stderr;
}

describe('nginx on a real engine', () => {
  beforeAll(() => {
    const made = createOsgs([
      folder,
      '--yes',
      '--services=qgis-server',
      '--domain=gis.example.org',
      '--tls=self-signed',
      '--set=nginx.http_port=8310',
      `--set=nginx.https_port=${port}`,
      '--set=nginx.cache=true',
      '--set=nginx.requests_per_second=100000',
      '--set=nginx.requests_burst=100000',
    ]);
    expect(made).toMatchObject({ code: 0 });
    writeFileSync(
      join(folder, 'compose.override.yaml'),
      'services:\n  nginx: { healthcheck: { interval: 2s } }\n  qgis-server: { healthcheck: { interval: 2s } }\n',
    );
    make('up');
    writeFileSync(ca, deployment.make('ca').stdout);
  }, slow);
  afterEach(() => Load.stopAll(), slow);
  afterAll(() => {
    deployment.remove();
  }, slow);

  test(
    'is reloaded again and again while visitors ask, and none of more than 10,000 requests is lost',
    async () => {
      const visitors = load({
        targets: [
          { name: 'page', url: `${site}/portal/` },
          { name: 'map', url: map(0) },
        ],
        visitors: 16,
        limit: 12_000,
      });
      let reloads = 0;
      while (visitors.asked() < 11_900) {
        docker('compose', 'exec', '-T', 'nginx', 'nginx', '-s', 'reload', '-c', '/etc/nginx/osgs/nginx.conf');
        reloads += 1;
        await sleep(200);
      }
      await visitors.stop('when done');
      const { page = {}, map: maps = {} } = visitors.counts();
      expect({ page: Object.keys(page), maps: Object.keys(maps) }).toEqual({ page: ['200'], maps: ['200'] });
      expect((page['200'] ?? 0) + (maps['200'] ?? 0)).toBeGreaterThan(10_000);
      expect(reloads).toBeGreaterThan(5);
      // The log has each of them, in lines that no other worker wrote into.
      await sleep(3000);
      const lines = docker('logs', docker('compose', 'ps', '-q', 'nginx'))
        .split('\n')
        .filter((line) => line.includes('"path":"/portal/'));
      const logged = lines.map((line) => (JSON.parse(line) as { status: number }).status);
      expect(logged.filter((status) => status === 200)).toHaveLength(page['200'] ?? 0);
    },
    slow,
  );

  test(
    'finds four containers of a service where there was one, spreads requests over them, and loses none, but for one answer at most of each that goes away',
    async () => {
      const before = nginx();
      const visitors = load({ targets: [{ name: 'map server', url: capabilities }], pause: 20 });
      const lost = (): string[] =>
        Object.keys(visitors.counts()['map server'] ?? {}).filter((outcome) => outcome !== '200');
      const sumOfLost = (): number =>
        lost().reduce((all, outcome) => all + (visitors.counts()['map server']?.[outcome] ?? 0), 0);
      const scale = (replicas: number): void => {
        expect(createOsgs([folder, '--yes', `--set=qgis-server.replicas=${replicas}`])).toMatchObject({
          code: 0,
        });
        make('up');
      };
      scale(4);
      expect(containers()).toHaveLength(4);
      await sleep(6000);
      const then = containers().map((id) => served(id));
      let shares: number[] = [];
      let sum = 0;
      const until = Date.now() + 120_000;
      while (sum < 120 && Date.now() < until) {
        await sleep(1000);
        shares = containers().map((id, index) => served(id) - (then[index] ?? 0));
        sum = shares.reduce((all, one) => all + one, 0);
      }
      expect(sum).toBeGreaterThanOrEqual(120);
      for (const share of shares) expect(share / sum).toBeGreaterThan(0.15);
      expect({ when: 'to four', lost: lost() }).toEqual({ when: 'to four', lost: [] });

      const [victim = ''] = containers();
      process.kill(Number(docker('inspect', '--format', '{{.State.Pid}}', victim)), 'SIGKILL');
      await sleep(10_000);
      // An answer that has begun cannot be asked for again: one at most of each container that goes away.
      expect(sumOfLost()).toBeLessThanOrEqual(1);
      make('up');

      scale(1);
      await sleep(5000);
      await visitors.stop();
      expect(sumOfLost()).toBeLessThanOrEqual(4);
      expect(containers()).toHaveLength(1);
      expect(nginx()).toBe(before);
    },
    slow,
  );

  test(
    'keeps a tile of QGIS Server, asks once for what many want at the same time, and gives it out while the service is away',
    async () => {
      const all = (): number => containers().reduce((sum, id) => sum + served(id), 0);
      expect(ask(map(10))).toBe('200 MISS');
      expect(ask(map(10))).toBe('200 HIT');
      const before = all();
      const crowd = load({ targets: [{ name: 'tile', url: map(20) }], visitors: 30, pause: 0, limit: 300 });
      await crowd.stop('when done');
      expect(crowd.counts()).toEqual({ tile: { 200: 300 } });
      expect(all() - before).toBe(1);

      docker('compose', 'stop', 'qgis-server');
      expect(ask(map(20))).toBe('200 HIT');
      expect(ask(map(30))).toMatch(/^50[234]/);
      make('cache-clear');
      expect(ask(map(20))).toMatch(/^50[234]/);
      make('up');
      expect(ask(map(20))).toBe('200 MISS');
    },
    slow,
  );
});
