import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PNG } from 'pngjs';
import { createOsgs, readTree, run, secretValues, type Ran } from '../run.js';
import { countriesSql, writeAtlas } from './countries.js';
import { Deployment } from './deployment.js';

const deployment = new Deployment('engine');
const { folder } = deployment;
const slow = 600_000;

const inStack = deployment.run.bind(deployment);

/** Runs SQL in the database, by default as the superuser over the container's socket. */
function sql(text: string, role?: { name: string; secret: string }): Ran {
  const connection = role
    ? [
        '-e',
        `PGPASSWORD=${deployment.secret(role.secret)}`,
        'postgis',
        'psql',
        '-h',
        'postgis',
        '-U',
        role.name,
      ]
    : ['postgis', 'psql', '-U', 'postgres'];
  return inStack(
    'docker',
    ['compose', 'exec', '-T', ...connection, '-d', 'gis', '-X', '-At', '-v', 'ON_ERROR_STOP=1'],
    text,
  );
}

/** Fetches a public address from nginx on this host, trusting the stack's own authority and nothing else. */
function fetchThrough(url: string, more: string[] = []): { status: string; type: string; body: Buffer } {
  const body = deployment.beside('body');
  const ran = run('curl', [
    '-sS',
    '--cacert',
    deployment.beside('ca.crt'),
    '--connect-to',
    '::127.0.0.1:443',
    '-o',
    body,
    '-w',
    '%{http_code} %{content_type}',
    ...more,
    url,
  ]);
  if (ran.code !== 0) throw new Error(`${url}: ${ran.stderr}`);
  const [status = '', type = ''] = ran.stdout.split(' ');
  return { status, type, body: readFileSync(body) };
}

/** How many pixels have each colour, as `r,g,b`. */
function colours(image: Buffer): { width: number; counts: Map<string, number> } {
  const png = PNG.sync.read(image);
  const counts = new Map<string, number>();
  for (let at = 0; at < png.data.length; at += 4) {
    const colour =
      png.data[at + 3] === 0 ? 'clear' : `${png.data[at]},${png.data[at + 1]},${png.data[at + 2]}`;
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  return { width: png.width, counts };
}

describe('a stack on a real engine', () => {
  beforeAll(() => {
    const made = createOsgs([
      folder,
      '--yes',
      '--services',
      'postgis,qgis-server,mapproxy,swagger-ui,hugo',
      '--domain',
      'gis.example.org',
      '--domain',
      'tiles.example.org=mapproxy',
      '--set',
      'qgis-server.project=atlas',
    ]);
    expect(made).toMatchObject({ code: 0 });
    writeAtlas(folder);
    deployment.must('up');
    writeFileSync(deployment.beside('ca.crt'), inStack('make', ['-s', 'ca']).stdout);
    const loaded = sql(countriesSql());
    expect(loaded).toMatchObject({ code: 0 });
  }, slow);

  afterAll(() => {
    deployment.remove();
  }, slow);

  test('every long-running container is healthy and every job ended well', () => {
    const states = inStack('docker', [
      'compose',
      'ps',
      '-a',
      '--format',
      '{{.Service}} {{.State}} {{.Health}} {{.ExitCode}}',
    ])
      .stdout.trim()
      .split('\n')
      .sort();
    expect(states).toEqual([
      'certificates running healthy 0',
      'hugo running healthy 0',
      'hugo-setup exited  0',
      'mapproxy running healthy 0',
      'mapproxy-setup exited  0',
      'nginx running healthy 0',
      'postgis running healthy 0',
      'postgis-setup exited  0',
      'qgis-server running healthy 0',
      'swagger-ui running healthy 0',
    ]);
  });

  test('capabilities carry the public host name and no other address of ours', () => {
    const qgis = fetchThrough(
      'https://gis.example.org/ogc/atlas?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetCapabilities',
    ).body.toString();
    expect(qgis).toContain('https://gis.example.org/ogc/atlas?');
    expect(qgis).not.toMatch(/qgis-server|https?:\/\/gis\.example\.org:|http:\/\/gis\.example\.org/);
    const tiles = fetchThrough(
      'https://tiles.example.org/mapproxy/service?service=WMS&version=1.3.0&request=GetCapabilities',
    ).body.toString();
    expect(tiles).toContain('https://tiles.example.org/mapproxy/service?');
    expect(tiles).not.toMatch(/http:\/\/(mapproxy|tiles)/);
  });

  test('a request cannot name another file as its project', () => {
    for (const query of [
      'MAP=/io/data/world/world.qgs&',
      'map=/io/data/world/world.qgs&',
      'SERVICE=WMS&Map=/etc/passwd&',
      '%4DAP=/etc/passwd&',
    ]) {
      expect(
        fetchThrough(`https://gis.example.org/ogc/atlas?${query}SERVICE=WMS&REQUEST=GetCapabilities`).status,
      ).toBe('403');
    }
    expect(
      fetchThrough(
        'https://gis.example.org/ows/?MAP=/io/data/world/world.qgs&SERVICE=WMS&REQUEST=GetCapabilities',
      ).status,
    ).toBe('404');
  });

  const land = '233,226,200';
  test.each([
    ['a map drawn from the database', 'atlas', 'countries'],
    ['the starter map, asked for as a whole,', 'world', 'World'],
  ])('%s shows land and sea', (_what, project, layers) => {
    const map = fetchThrough(
      `https://gis.example.org/ogc/${project}?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=${layers}&STYLES=&CRS=EPSG:4326&BBOX=-90,-180,90,180&WIDTH=800&HEIGHT=400&FORMAT=image/png&TRANSPARENT=true`,
    );
    expect(map).toMatchObject({ status: '200', type: 'image/png' });
    const { width, counts } = colours(map.body);
    expect(width).toBe(800);
    // In this projection about a third of the picture is land, borders apart.
    expect((counts.get(land) ?? 0) / (800 * 400)).toBeGreaterThan(0.2);
    expect((counts.get('clear') ?? 0) / (800 * 400)).toBeGreaterThan(0.5);
  });

  test(
    'MapProxy serves the same map as a tile, and the second time from its cache',
    () => {
      const tile = fetchThrough('https://tiles.example.org/mapproxy/wmts/qgis/web/0/0/0.png');
      expect(tile).toMatchObject({ status: '200', type: 'image/png' });
      const { width, counts } = colours(tile.body);
      expect(width).toBe(256);
      expect(
        [...counts].filter(([colour]) => colour !== 'clear').reduce((sum, [, count]) => sum + count, 0),
      ).toBeGreaterThan(15000);
      expect(counts.get('clear') ?? 0).toBeGreaterThan(15000);
      inStack('docker', ['compose', 'stop', 'qgis-server']);
      expect(
        fetchThrough('https://tiles.example.org/mapproxy/wmts/qgis/web/0/0/0.png').body.equals(tile.body),
      ).toBe(true);
      inStack('make', ['up']);
    },
    slow,
  );

  test(
    'make mapproxy-seed draws tiles before anybody asks, and --cleanup=all takes all away',
    () => {
      const seeds = join(folder, 'services/mapproxy/config/seed.yaml');
      writeFileSync(seeds, readFileSync(seeds, 'utf8').replace('to: 6', 'to: 2'));
      const tiles = (): number =>
        inStack('docker', ['compose', 'exec', '-T', 'mapproxy', 'find', '/mapproxy/cache', '-name', '*.png'])
          .stdout.split('\n')
          .filter(Boolean).length;
      expect(inStack('make', ['mapproxy-seed', 'options=--cleanup=all'])).toMatchObject({ code: 0 });
      expect(tiles()).toBe(0);
      expect(inStack('make', ['mapproxy-seed'])).toMatchObject({ code: 0 });
      expect(tiles()).toBe(1 + 4 + 16);
    },
    slow,
  );

  test('the front page, the portal and Swagger UI are there, and an unknown host name gets nothing', () => {
    expect(fetchThrough('https://gis.example.org/').body.toString()).toContain('Welcome');
    expect(fetchThrough('https://gis.example.org/portal/').body.toString()).toContain(
      'https://tiles.example.org/mapproxy/demo/',
    );
    expect(fetchThrough('https://gis.example.org/swagger/').body.toString()).toContain('swagger-ui');
    expect(run('curl', ['-sk', '--connect-to', '::127.0.0.1:443', 'https://other.example.org/']).code).toBe(
      35,
    );
    expect(run('curl', ['-s', '--connect-to', '::127.0.0.1:80', 'http://other.example.org/']).code).toBe(52);
    expect(
      run('curl', [
        '-s',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code} %{redirect_url}',
        '--connect-to',
        '::127.0.0.1:80',
        'http://gis.example.org/a?b=c',
      ]).stdout,
    ).toBe('308 https://gis.example.org/a?b=c');
  });

  test('make check finds nothing wrong', () => {
    const checked = inStack('make', ['-s', 'check']);
    expect(checked.stdout).toContain('all checks passed');
    expect(checked.code).toBe(0);
  });

  test('a service reads the published tables with its own role, and may do no more', () => {
    const qgis = { name: 'qgis_server', secret: 'QGIS_SERVER_DB_PASSWORD' };
    expect(Number(sql('select count(*) from gis.countries', qgis).stdout)).toBeGreaterThan(170);
    expect(sql('delete from gis.countries', qgis).stderr).toContain('permission denied');
    expect(sql('create table gis.x (a int)', qgis).stderr).toContain('permission denied');
    expect(sql('create schema x', qgis).stderr).toContain('permission denied');
    expect(
      sql("select rolsuper or rolcreaterole or rolcreatedb from pg_roles where rolname = 'qgis_server'")
        .stdout,
    ).toBe('f\n');
    expect(
      sql('create table gis.mine (a int); drop table gis.mine', {
        name: 'gis',
        secret: 'POSTGIS_GIS_PASSWORD',
      }).code,
    ).toBe(0);
  });

  test('no container sees a secret that is not its own', () => {
    const secrets = secretValues(readFileSync(join(folder, '.env'), 'utf8'));
    const seen = Object.fromEntries(
      ['nginx', 'certificates', 'mapproxy', 'hugo', 'swagger-ui', 'qgis-server'].map((name) => {
        const id = inStack('docker', ['compose', 'ps', '-q', name]).stdout.trim();
        const inspected = run('docker', ['inspect', id]).stdout;
        return [name, secrets.filter((value) => inspected.includes(value)).length];
      }),
    );
    expect(seen).toEqual({
      nginx: 0,
      certificates: 0,
      mapproxy: 0,
      hugo: 0,
      'swagger-ui': 0,
      'qgis-server': 0,
    });
  });

  test('the database has no way out and no way in but from its clients', () => {
    const nginx = inStack('docker', [
      'compose',
      'exec',
      '-T',
      'nginx',
      'curl',
      '-sS',
      '--max-time',
      '3',
      'telnet://postgis:5432',
    ]);
    expect(nginx.stderr).toContain('Could not resolve host');
  });

  test(
    'after make down and make up the data is still there, and a run again changes nothing',
    () => {
      const before = readTree(folder);
      expect(createOsgs([folder, '--yes']).code).toBe(0);
      expect(readTree(folder)).toEqual(before);
      expect(inStack('make', ['down']).code).toBe(0);
      expect(inStack('make', ['up']).code).toBe(0);
      expect(Number(sql('select count(*) from gis.countries').stdout)).toBeGreaterThan(170);
      expect(
        fetchThrough('https://gis.example.org/ogc/atlas?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetCapabilities')
          .status,
      ).toBe('200');
    },
    slow,
  );
});
