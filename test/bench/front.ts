// Times the emitted nginx on a real engine, against a bare one of the same image and against itself.
//   npm run bench:front                    prints a table and writes test/bench/front.json
//   npm run bench:front -- --rounds 3 --seconds 1
// Whatever else the machine does falls on both sides of a ratio: they take turns, and the median of all turns counts.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../../catalog/load.js';
import { Deployment } from '../engine/deployment.js';
import { createOsgs, run } from '../run.js';
import { median, wrk, type Load, type Measured } from './wrk.js';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '15' }, seconds: { type: 'string', default: '2' } },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);

const host = 'gis.example.org';
const port = 8301;
const deployment = new Deployment('speed');
const bares: string[] = [];

interface Server {
  name: string;
  container: string;
  ip: string;
  /** Where it has the folder site/. */
  site: string;
}

interface Figure {
  what: string;
  server: string;
  perSecond: number;
  latencyMs: number;
  /** Of the container, per request, in microseconds. */
  cpu: number;
  requests: number;
}

function must(ran: ReturnType<typeof run>): string {
  if (ran.code !== 0) throw new Error(ran.stdout + ran.stderr);
  return ran.stdout.trim();
}
const docker = (...args: string[]): string => must(deployment.run('docker', args));

function startStack(): Server {
  must(
    createOsgs([
      deployment.folder,
      '--yes',
      '--services=qgis-server',
      `--domain=${host}`,
      '--tls=self-signed',
      '--set=nginx.http_port=8300',
      `--set=nginx.https_port=${port}`,
      '--set=nginx.cache=true',
      // What one client may ask is counted as always; it is only more than this machine can.
      '--set=nginx.requests_per_second=100000',
      '--set=nginx.requests_burst=100000',
    ]),
  );
  writeFileSync(join(deployment.folder, 'site/picture.jpg'), randomBytes(100 * 1024));
  must(deployment.make('up'));
  const container = docker('compose', 'ps', '-q', 'nginx');
  return { name: 'emitted', container, ip: addressOf(container), site: '/portal' };
}

function addressOf(container: string): string {
  const [ip = ''] = docker(
    'inspect',
    '--format',
    '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}',
    container,
  ).split(' ');
  return ip;
}

/** nginx of the same image with the same certificate, and hardly a word of configuration. */
function startBare(name: string, log: string): Server {
  const file = deployment.beside(`${bares.length}.conf`);
  writeFileSync(
    file,
    `worker_processes auto;
events {}
http {
    include /etc/nginx/mime.types;
    sendfile on;
    ${log}
    server {
        listen 443 ssl;
        ssl_certificate /certificates/${host}/fullchain.pem;
        ssl_certificate_key /certificates/${host}/privkey.pem;
        root /srv/site;
    }
}
`,
  );
  const image = docker('inspect', '--format', '{{.Image}}', docker('compose', 'ps', '-q', 'nginx'));
  const mounts = [
    'speed_certificates:/certificates',
    `${deployment.folder}/site:/srv/site`,
    `${file}:/bare.conf`,
  ];
  const container = docker(
    ...[
      'run',
      '-d',
      '--rm',
      '--network',
      'speed_nginx_in',
      '--log-opt',
      'max-size=10m',
      '--log-opt',
      'max-file=3',
    ],
    ...mounts.flatMap((mount) => ['-v', `${mount}:ro`]),
    ...[image, 'nginx', '-c', '/bare.conf', '-g', 'daemon off;'],
  );
  bares.push(container);
  return { name, container, ip: addressOf(container), site: '' };
}

/** Nanoseconds of processor time that a container has used. */
function cpuOf(container: string): number {
  const url = `http://localhost/containers/${container}/stats?stream=false&one-shot=true`;
  const told = must(run('curl', ['-sS', '--unix-socket', '/var/run/docker.sock', url]));
  return (JSON.parse(told) as { cpu_stats: { cpu_usage: { total_usage: number } } }).cpu_stats.cpu_usage
    .total_usage;
}

const figures: Figure[] = [];

/** Each side in its turn, `rounds` times; gives the medians of all sides. */
function compare(
  what: string,
  sides: { server: Server; name?: string; load: (round: number) => Omit<Load, 'ip' | 'seconds'> }[],
): number[][] {
  const measured = sides.map(() => [] as (Measured & { cpu: number })[]);
  for (let round = 0; round < rounds; round += 1) {
    // Forth and back, so that nobody always comes first.
    const order = [...sides.entries()];
    for (const [index, { server, load }] of round % 2 === 0 ? order : order.reverse()) {
      const before = cpuOf(server.container);
      const one = wrk({ ...load(round), ip: server.ip, seconds });
      measured[index]?.push({ ...one, cpu: (cpuOf(server.container) - before) / one.requests / 1000 });
    }
  }
  for (const [index, { server, name }] of sides.entries()) {
    const all = measured[index] ?? [];
    const figure = {
      what,
      server: name ?? server.name,
      perSecond: Math.round(median(all.map(({ perSecond }) => perSecond))),
      latencyMs: Number(median(all.map(({ latency }) => latency)).toFixed(2)),
      cpu: Math.round(median(all.map(({ cpu }) => cpu))),
      requests: all.reduce((sum, { requests }) => sum + requests, 0),
    };
    figures.push(figure);
    console.log(
      `${what.padEnd(34)} ${figure.server.padEnd(20)} ${String(figure.perSecond).padStart(8)} ${figure.latencyMs.toFixed(2).padStart(9)} ${String(figure.cpu).padStart(7)} ${String(figure.requests).padStart(9)}`,
    );
  }
  return measured.map((all) => all.map(({ perSecond }) => perSecond));
}

/** The median of what one side is to the other, turn by turn. */
const ratio = (of: number[] = [], to: number[] = []): number =>
  Number(median(of.map((value, turn) => value / (to[turn] ?? NaN))).toFixed(2));

const map =
  '/ogc/world?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=countries&STYLES=&CRS=EPSG:4326&WIDTH=256&HEIGHT=256&FORMAT=image/png';
/** Lua: the n-th tile after the first, which begins again after `count`. */
const tile = (first: number, count: number): string =>
  `string.format(${JSON.stringify(`${map}&BBOX=%.6f,%.6f,%.6f,%.6f`)}, (${first} + n % ${count}) * 0.00001, 0, (${first} + n % ${count}) * 0.00001 + 40, 40)`;

function main(): void {
  const emitted = startStack();
  const bare = startBare('bare', '');
  const silent = startBare('bare, no access log', 'access_log off;');
  const ratios: Record<string, number> = {};
  console.log(`${'what'.padEnd(34)} ${'who'.padEnd(20)} requests/s median ms  µs cpu  requests`);
  for (const [what, file, headers] of [
    ['page of 1 kB', 'index.html', {}],
    ['picture of 100 KiB', 'picture.jpg', {}],
    ['page of 1 kB, new connections', 'index.html', { Connection: 'close' }],
  ] as const) {
    const [ours, theirs, theirsSilent] = compare(
      what,
      [emitted, bare, silent].map((server) => ({
        server,
        load: () => ({ url: `https://${host}${server.site}/${file}`, connections: 32, headers }),
      })),
    );
    ratios[`${what}: emitted to bare`] = ratio(ours, theirs);
    ratios[`${what}: emitted to bare without access log`] = ratio(ours, theirsSilent);
  }
  // Drawn: tiles that nobody has asked for. From the cache: sixteen, known after a moment.
  const tiles = { url: `https://${host}`, connections: 4 };
  const [drawn, kept] = compare('tile of QGIS Server', [
    {
      server: emitted,
      name: 'drawn',
      load: (round) => ({ ...tiles, path: tile(1000 + round * 100_000, 100_000) }),
    },
    { server: emitted, name: 'from the cache', load: () => ({ ...tiles, path: tile(0, 16) }) },
  ]);
  ratios['tile: from the cache to drawn'] = ratio(kept, drawn);
  console.log('');
  for (const [what, value] of Object.entries(ratios))
    console.log(`${what.padEnd(62)} ${value.toFixed(2).padStart(8)}`);
  const record = { cores: availableParallelism(), rounds, seconds, ratios, figures };
  writeFileSync(join(packageRoot(), 'test/bench/front.json'), `${JSON.stringify(record, null, 2)}\n`);
}

try {
  main();
} finally {
  for (const container of bares) run('docker', ['rm', '-f', container]);
  deployment.remove();
}
