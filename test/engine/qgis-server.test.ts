import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { packageRoot } from '../../catalog/root.js';
import { createOsgs } from '../run.js';
import { Deployment } from './deployment.js';
import { hostile, hostileBodies, ordinary, type Asked } from './qgis-requests.js';
import { until } from './waiting.js';

const deployment = new Deployment('qgis');
const { folder } = deployment;
const slow = 900_000;
const port = 8097;
const host = `gis.example.org:${port}`;
const image = 'qgis/qgis-server:3.44.14';
const echo = 'osgs-qgis-echo';
const sources = join(packageRoot(), 'test/engine');

interface Answer {
  status: number;
  text: string;
}

/** Sends a request as it stands, without the normalisation of a path that curl and fetch do. */
function send(to: { address: string; port: number }, { path, body, type }: Asked): Promise<Answer> {
  return new Promise((done, fail) => {
    const sent = request(
      {
        host: to.address,
        port: to.port,
        path,
        method: body === undefined ? 'GET' : 'POST',
        headers: { Host: host, ...(type === undefined ? {} : { 'Content-Type': type }) },
        timeout: 120_000,
        // nginx closes connections that stay open when it is told of a change.
        agent: false,
      },
      (answer) => {
        let text = '';
        answer.setEncoding('latin1');
        answer.on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => done({ status: answer.statusCode ?? 0, text }));
      },
    );
    sent.on('error', fail);
    sent.end(body);
  });
}

const front = { address: '127.0.0.1', port };
/** Asks QGIS Server's own web server from nginx's container, past nginx's rules. */
function sendPast({ path, body, type }: Asked): Answer {
  const data = body === undefined ? [] : ['-H', `Content-Type: ${type ?? ''}`, '--data-binary', '@-'];
  const curl = ['curl', '-sS', '-g', '--path-as-is', '--max-time', '100', '-w', '\n%{http_code}', ...data];
  const { stdout } = deployment.inside('nginx', [...curl, `http://qgis-server${path}`], body);
  const at = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(at + 1)), text: stdout.slice(0, at) };
}
const container = (): string => deployment.docker('compose', 'ps', '-q', 'qgis-server');
const state = (): string =>
  deployment.docker(
    'inspect',
    '-f',
    '{{.State.StartedAt}} {{.State.OOMKilled}} {{.RestartCount}}',
    container(),
  );

function create(access: 'read' | 'write'): void {
  const made = createOsgs([
    folder,
    '--yes',
    '--services=postgis,qgis-server',
    '--domain=gis.example.org',
    '--tls=off',
    `--set=nginx.http_port=${port}`,
    '--set=qgis-server.project=town',
    `--set=qgis-server.database_access=${access}`,
  ]);
  expect(made).toMatchObject({ code: 0 });
}

function sql(text: string): string {
  const psql = ['psql', '-U', 'postgres', '-d', 'gis', '-X', '-At', '-v', 'ON_ERROR_STOP=1'];
  const ran = deployment.inside('postgis', psql, text);
  if (ran.code !== 0) throw new Error(ran.stderr);
  return ran.stdout.trim();
}

/** Requests that the echo server in the network has seen. */
const fetched = (): string[] =>
  deployment
    .docker('logs', echo)
    .split('\n')
    .filter((line) => line.startsWith('GOT '));

const insert = (name: string): Asked => ({
  name,
  path: '/ogc/town?SERVICE=WFS',
  type: 'text/xml',
  body: `<wfs:Transaction xmlns:wfs="http://www.opengis.net/wfs" xmlns:gml="http://www.opengis.net/gml" xmlns:qgs="http://www.qgis.org/gml" service="WFS" version="1.1.0"><wfs:Insert><qgs:places><qgs:name>${name}</qgs:name><qgs:geometry><gml:Point srsName="EPSG:4326"><gml:pos>5 6</gml:pos></gml:Point></qgs:geometry></qgs:places></wfs:Insert></wfs:Transaction>`,
});

describe('QGIS Server on a real engine', () => {
  beforeAll(() => {
    create('read');
    writeFileSync(
      join(folder, 'compose.override.yaml'),
      `services:\n${['nginx', 'postgis', 'qgis-server'].map((name) => `  ${name}: { healthcheck: { interval: 2s } }\n`).join('')}`,
    );
    deployment.must('up');
    sql(`CREATE TABLE gis.places (id serial PRIMARY KEY, name text, geom geometry(Point, 4326));
      INSERT INTO gis.places (name, geom) VALUES ('Zug', ST_SetSRID(ST_MakePoint(8, 47), 4326));`);
    const script = readFileSync(join(sources, 'qgis-project.py'), 'utf8');
    const made = deployment.inside(
      'qgis-server',
      ['env', 'QT_QPA_PLATFORM=offscreen', 'python3', '-', '/tmp/projects'],
      script,
    );
    expect(made).toMatchObject({ code: 0 });
    deployment.docker('cp', `${container()}:/tmp/projects/.`, join(folder, 'services/qgis-server/projects'));
    const network = Object.keys(
      JSON.parse(
        deployment.docker('inspect', '-f', '{{json .NetworkSettings.Networks}}', container()),
      ) as object,
    )[0]!;
    const program =
      "require('http').createServer((q, a) => { console.log('GOT ' + q.url); a.end('x') }).listen(9090)";
    const run = ['run', '-d', '--rm', '--name', echo, '--network', network, '--network-alias', 'echo'];
    deployment.docker(...run, 'osgs-standin-node:24', 'node', '-e', program);
  }, slow);

  afterAll(() => {
    deployment.run('docker', ['rm', '-f', echo]);
    deployment.remove();
  }, slow);

  test(
    'the echo server hears what QGIS would fetch',
    async () => {
      await until(
        () => {
          deployment.inside('qgis-server', ['wget', '-qO-', 'http://echo:9090/control']);
          return fetched();
        },
        (got) => got.length > 0,
        30,
      );
      expect(new Set(fetched())).toEqual(new Set(['GOT /control']));
    },
    slow,
  );

  test(
    'make check finds every address as it must be',
    () => {
      expect(deployment.make('check').stdout).toContain('all checks passed');
    },
    slow,
  );

  test.each(ordinary.map((asked): [string, Asked] => [asked.name, asked]))(
    'a map client gets %s',
    async (_name, asked) => {
      const { status, text } = await send(front, asked);
      expect({ status, refusal: /Exception[^>]*>[^<]*/.exec(text.slice(0, 500))?.[0] }).toEqual({
        status: 200,
        refusal: undefined,
      });
    },
    slow,
  );

  test(
    'GDAL and the clients of QGIS Desktop get layers, maps and filtered features',
    () => {
      const mount = `${join(sources, 'qgis-client.py')}:/client.py:ro`;
      const run = [
        'run',
        '--rm',
        '--network',
        'host',
        '--add-host',
        'gis.example.org:127.0.0.1',
        '-v',
        mount,
      ];
      const out = deployment.docker(
        ...run,
        ...['-e', 'QT_QPA_PLATFORM=offscreen', image, 'python3', '/client.py', `http://${host}/ogc/town`],
      );
      expect(out.split('\n')).toEqual([
        'gdal wfs 2',
        'gdal wfs filter 1',
        'gdal wfs box 1',
        'gdal wms 64',
        'qgis wms True',
        'qgis wms picture True',
        'qgis wfs True 2',
        'qgis wfs filter True 1',
      ]);
    },
    slow,
  );

  test(
    'what is not published is refused by nginx, and by the plugin past nginx; nothing is fetched and nothing dies',
    async () => {
      const before = state();
      const heard = fetched().length;
      const passed: object[] = [];
      for (const asked of hostile) {
        const outside = await send(front, asked);
        const inside = sendPast(asked);
        if (![400, 403, 404, 405].includes(outside.status) || inside.status !== 403)
          passed.push({ name: asked.name, outside: outside.status, inside: inside.status });
        if (/SESAME|DRAFT/.test(outside.text + inside.text)) passed.push({ name: asked.name, told: true });
      }
      expect(hostile.length).toBeGreaterThan(45);
      expect(passed).toEqual([]);
      expect(fetched().length).toBe(heard);
      expect(state()).toBe(before);
    },
    slow,
  );

  test(
    'who may write inserts features, and gets no more than that',
    async () => {
      expect((await send(front, insert('Aarau'))).status).toBe(405);
      expect(sendPast(insert('Aarau')).status).toBe(403);
      create('write');
      deployment.must('up');
      const { status, text } = await send(front, insert('Aarau'));
      expect({ status, text }).toMatchObject({ status: 200, text: expect.stringContaining('InsertResults') });
      expect(sql('SELECT string_agg(name, $$,$$ ORDER BY name) FROM gis.places')).toBe('Aarau,Zug');
      const before = state();
      const passed: object[] = [];
      for (const asked of hostileBodies) {
        const answer = await send(front, asked);
        if (answer.status !== 403)
          passed.push({ name: asked.name, status: answer.status, text: answer.text });
      }
      expect(passed).toEqual([]);
      expect(fetched().every((line) => line === 'GOT /control')).toBe(true);
      expect(state()).toBe(before);
    },
    slow,
  );

  test(
    'a plugin that is not loaded makes the container unhealthy and fails make check',
    async () => {
      const plugin = join(folder, 'services/qgis-server/plugins/osgs_guard');
      renameSync(plugin, `${plugin}.away`);
      deployment.docker('compose', 'restart', 'qgis-server');
      const health = (): string =>
        deployment.docker('inspect', '-f', '{{.State.Health.Status}}', container());
      await until(health, (status) => status === 'unhealthy', 120);
      const found = deployment.make('check');
      renameSync(`${plugin}.away`, plugin);
      deployment.docker('compose', 'restart', 'qgis-server');
      await until(health, (status) => status === 'healthy', 120);
      expect(found.code).not.toBe(0);
      expect(found.stdout).toMatch(/FAILED {2}QGIS Server: .*EXP_FILTER/);
    },
    slow,
  );
});
