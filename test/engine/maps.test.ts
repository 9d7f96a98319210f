import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PNG } from 'pngjs';
import { createOsgs, run, type Ran } from '../run.js';
import { Deployment } from './deployment.js';
import { knock, runCells, startKernel, type Notebooks } from './kernel.js';

const deployment = new Deployment('maps');
const { folder } = deployment;
const slow = 600_000;
const host = 'gis.example.org:8092';
const site = `http://${host}`;
const here = deployment.run.bind(deployment);
const override = join(folder, 'compose.override.yaml');
const often = `services:
${['nginx', 'postgis', 'pgbouncer', 'qgis-server', 'mapserver', 'tileserver-gl', 'jupyter']
  .map((name) => `  ${name}: { healthcheck: { interval: 2s } }\n`)
  .join('')}`;

interface Answer {
  status: string;
  type: string;
  to: string;
  body: Buffer;
}

/** curl to nginx on this host, without following a redirect. */
function ask(path: string, ...more: string[]): Answer {
  const body = deployment.beside('body');
  const told = '%{http_code}\n%{content_type}\n%{redirect_url}';
  const ran = here('curl', [
    '-sS',
    '--max-time',
    '30',
    '--connect-to',
    '::127.0.0.1:8092',
    '-o',
    body,
    '-w',
    told,
    ...more,
    site + path,
  ]);
  if (ran.code !== 0) throw new Error(`${path}: ${ran.stderr}`);
  const [status = '', type = '', to = ''] = ran.stdout.split('\n');
  return { status, type, to, body: readFileSync(body) };
}

/** SQL as the superuser, over the container's socket. */
function sql(text: string): string {
  const psql = ['psql', '-U', 'postgres', '-d', 'gis', '-X', '-At', '-v', 'ON_ERROR_STOP=1'];
  const ran = deployment.inside('postgis', psql, text);
  if (ran.code !== 0) throw new Error(ran.stderr);
  return ran.stdout.trim();
}

/** SQL through PgBouncer, or past it, as a role with a password. */
function pooled(role: string, password: string, text: string, server = 'pgbouncer'): Ran {
  const to = `postgresql://${role}@${server}:5432/gis`;
  const psql = ['env', `PGPASSWORD=${password}`, 'psql', '-X', '-At', '-v', 'ON_ERROR_STOP=1', to];
  return deployment.inside('postgis', psql, text);
}

/** How much of a picture has one colour. */
function share(picture: Buffer, ...[red, green, blue]: number[]): number {
  const { data, width, height } = PNG.sync.read(picture);
  let count = 0;
  for (let at = 0; at < data.length; at += 4)
    if (data[at] === red && data[at + 1] === green && data[at + 2] === blue) count += 1;
  return count / (width * height);
}

const getMap = (layers: string): string =>
  `/mapserver/?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=${layers}&STYLES=&CRS=EPSG:4326&BBOX=-90,-180,90,180&WIDTH=800&HEIGHT=400&FORMAT=image/png`;

describe('pooled connections, map files, tiles and notebooks on a real engine', () => {
  beforeAll(() => {
    const made = createOsgs([
      folder,
      '--yes',
      '--services=pgbouncer,qgis-server,mapserver,tileserver-gl,jupyter',
      '--domain=gis.example.org',
      '--tls=off',
      '--set=nginx.http_port=8092',
    ]);
    expect(made).toMatchObject({ code: 0 });
    // An engine without start_interval looks for the first time after 30 s.
    writeFileSync(override, often);
    deployment.must('up');
    // A field that covers the northern half of the world.
    sql(`CREATE TABLE gis.fields (id int PRIMARY KEY, name text, geom geometry(Polygon, 4326));
      INSERT INTO gis.fields VALUES (1, 'north', ST_MakeEnvelope(-180, 0, 180, 90, 4326));`);
  }, slow);

  afterAll(() => {
    deployment.remove();
  }, slow);

  test('make check finds every address as it must be', () => {
    expect(here('make', ['-s', 'check']).stdout).toContain('all checks passed');
  });

  describe('PgBouncer', () => {
    const password = (): string => deployment.secret('QGIS_SERVER_DB_PASSWORD');

    test("lets a service's role in by SCRAM, which reads the published tables and may do no more", () => {
      expect(sql("SELECT left(rolpassword, 13) FROM pg_authid WHERE rolname = 'qgis_server'")).toBe(
        'SCRAM-SHA-256',
      );
      expect(pooled('qgis_server', password(), 'SELECT name FROM gis.fields')).toMatchObject({
        code: 0,
        stdout: 'north\n',
      });
      expect(pooled('qgis_server', password(), 'DELETE FROM gis.fields').stderr).toContain(
        'permission denied for table',
      );
    });

    test('refuses a wrong password, and roles that share no connections', () => {
      expect(pooled('qgis_server', 'wrong', 'SELECT 1').stderr).toContain('SASL authentication failed');
      for (const [role, secret] of [
        ['gis', 'POSTGIS_GIS_PASSWORD'],
        ['postgres', 'POSTGIS_PASSWORD'],
      ] as const)
        expect(pooled(role, deployment.secret(secret), 'SELECT 1').stderr).toContain(
          'SASL authentication failed',
        );
    });

    test('is what QGIS Server is told to ask, and says in make pools who holds a connection', () => {
      const service = deployment.inside('qgis-server', ['cat', '/etc/postgresql-common/pg_service.conf']);
      expect(service.stdout).toContain('host=pgbouncer\n');
      expect(pooled('qgis_server', password(), 'SELECT 1').code).toBe(0);
      expect(deployment.make('pools').stdout).toMatch(/gis +\| qgis_server .*\| session/);
    });
  });

  describe('make rotate-secret', () => {
    const rotate = (key: string): Ran => here('make', ['-s', 'rotate-secret', `k=${key}`]);
    const overNetwork = (password: string): Ran => pooled('postgres', password, 'SELECT 1', 'postgis');

    test(
      "changes a role's password in the database, in the pooler, in the service and in .env together",
      () => {
        const before = deployment.secret('QGIS_SERVER_DB_PASSWORD');
        expect(rotate('QGIS_SERVER_DB_PASSWORD')).toMatchObject({ code: 0 });
        const after = deployment.secret('QGIS_SERVER_DB_PASSWORD');
        expect(after).toMatch(/^[A-Za-z0-9]{32}$/);
        expect(after).not.toBe(before);
        expect(pooled('qgis_server', after, 'SELECT name FROM gis.fields').stdout).toBe('north\n');
        expect(pooled('qgis_server', before, 'SELECT 1').code).not.toBe(0);
        const service = deployment.inside('qgis-server', ['cat', '/etc/postgresql-common/pg_service.conf']);
        expect(service.stdout).toContain(`password=${after}\n`);
        expect(statSync(join(folder, '.env')).mode & 0o777).toBe(0o600);
      },
      slow,
    );

    test(
      'tells a database that keeps the password itself',
      () => {
        const before = deployment.secret('POSTGIS_PASSWORD');
        expect(overNetwork(before).code).toBe(0);
        expect(rotate('POSTGIS_PASSWORD')).toMatchObject({ code: 0 });
        expect(overNetwork(before).stderr).toContain('password authentication failed');
        expect(overNetwork(deployment.secret('POSTGIS_PASSWORD')).code).toBe(0);
        expect(here('make', ['-s', 'check']).stdout).toContain('all checks passed');
      },
      slow,
    );

    test(
      'puts the value of before back, in the database too, where the stack does not become healthy',
      () => {
        const before = readFileSync(join(folder, '.env'), 'utf8');
        const only = deployment.secret('POSTGIS_PASSWORD');
        writeFileSync(
          override,
          `${often}  postgis-setup: { entrypoint: [sh, -c, '[ "$$(cat /run/secrets/POSTGIS_PASSWORD)" = ${only} ]'] }\n`,
        );
        const refused = rotate('POSTGIS_PASSWORD');
        writeFileSync(override, often);
        expect(refused.code).not.toBe(0);
        expect(refused.stderr).toContain('putting that of before back');
        expect(readFileSync(join(folder, '.env'), 'utf8')).toBe(before);
        expect(overNetwork(only).code).toBe(0);
        expect(deployment.make('up').code).toBe(0);
      },
      slow,
    );

    test('changes nothing of a key that is no secret', () => {
      const before = readFileSync(join(folder, '.env'), 'utf8');
      for (const key of ['NGINX_MEMORY', 'MADE_UP']) expect(rotate(key).code).toBe(2);
      expect(readFileSync(join(folder, '.env'), 'utf8')).toBe(before);
      expect(rotate('').stdout).toContain('QGIS_SERVER_DB_PASSWORD: ');
    });
  });

  describe('MapServer', () => {
    test('names itself by its public address and by no other, and answers there', () => {
      const { status, body } = ask('/mapserver/?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetCapabilities');
      expect(status).toBe('200');
      expect(body.toString()).toContain(`"${site}/mapserver?"`);
      expect(body.toString()).not.toMatch(/mapserver:8080|localhost|http:\/\/gis\.example\.org(?!:8092\/)/);
      const again = ask('/mapserver?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetCapabilities').body;
      expect(again.equals(body)).toBe(true);
    });

    test('draws the starter map as a PNG, with the capitals upon it', () => {
      const map = ask(getMap('graticule,capitals'));
      expect(map).toMatchObject({ status: '200', type: 'image/png' });
      expect(share(map.body, 238, 243, 246)).toBeGreaterThan(0.8);
      expect(share(map.body, 192, 57, 43)).toBeGreaterThan(0.001);
    });

    test('draws a table of PostGIS that a map file names, by the password in its environment', () => {
      const map = join(folder, 'services/mapserver/world.map');
      const layer = `LAYER
        NAME "fields"
        TYPE POLYGON
        CONNECTIONTYPE POSTGIS
        CONNECTION "host=postgis dbname=gis user=mapserver"
        DATA "geom FROM gis.fields USING UNIQUE id USING SRID=4326"
        METADATA "ows_title" "Fields" END
        PROJECTION "init=epsg:4326" END
        CLASS STYLE COLOR 10 120 30 END END
      END
      SYMBOL`;
      writeFileSync(map, readFileSync(map, 'utf8').replace(/^ *SYMBOL$/m, layer));
      const drawn = ask(getMap('fields'));
      expect(drawn).toMatchObject({ status: '200', type: 'image/png' });
      expect(share(drawn.body, 10, 120, 30)).toBeCloseTo(0.5, 1);
    });

    test('opens no file that a request names, and fetches no style for it', () => {
      const map = '/mapserver/?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetCapabilities&map=';
      expect(ask(`${map}world`).body.toString()).toContain('WMS_Capabilities');
      for (const file of ['/etc/mapserver/world.map', '/etc/passwd'])
        expect(ask(map + file).body.toString()).not.toContain('WMS_Capabilities');
      expect(ask(`${getMap('capitals')}&SLD=http://postgis:5432/`).status).toBe('403');
      expect(ask('/mapserver/server-status-remote').status).toBe('404');
    });
  });

  describe('TileServer GL', () => {
    test('serves the starter map and its style under the public address', () => {
      expect(ask('/tileserver/').body.toString()).toContain('World');
      const listed = JSON.parse(ask('/tileserver/styles.json').body.toString()) as { url: string }[];
      expect(listed.map(({ url }) => url)).toEqual([`${site}/tileserver/styles/world/style.json`]);
      const { status, body } = ask('/tileserver/styles/world/style.json');
      expect(status).toBe('200');
      expect(body.toString()).not.toMatch(/https?:\/\/(?!gis\.example\.org:8092\/)[^"]*tileserver/);
    });

    test(
      'serves a tile file that was put in place, after make tileserver-reload',
      () => {
        const tile = Buffer.from(
          sql(`SELECT encode(ST_AsMVT(rows, 'fields'), 'base64') FROM (
            SELECT 'north' AS name, ST_AsMVTGeom(ST_Transform(ST_MakeEnvelope(-180, 0, 180, 85, 4326), 3857), ST_TileEnvelope(0, 0, 0)) AS geom
          ) AS rows`),
          'base64',
        );
        expect(tile.length).toBeGreaterThan(20);
        const file = join(folder, 'services/tileserver-gl/tiles/fields.mbtiles');
        const write = `
import gzip, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute('create table metadata (name text, value text)')
db.execute('create table tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob)')
db.executemany('insert into metadata values (?, ?)', [
    ('name', 'Fields'), ('format', 'pbf'), ('minzoom', '0'), ('maxzoom', '0'), ('bounds', '-180,-85,180,85'),
    ('json', '{"vector_layers": [{"id": "fields", "fields": {"name": "String"}}]}')])
db.execute('insert into tiles values (0, 0, 0, ?)', (gzip.compress(bytes.fromhex(sys.argv[2])),))
db.commit()`;
        expect(run('python3', ['-c', write, file, tile.toString('hex')])).toMatchObject({ code: 0 });
        const config = join(folder, 'services/tileserver-gl/config.json');
        const before = JSON.parse(readFileSync(config, 'utf8')) as object;
        writeFileSync(config, JSON.stringify({ ...before, data: { fields: { mbtiles: 'fields.mbtiles' } } }));
        expect(ask('/tileserver/data/fields/0/0/0.pbf').status).toBe('404');

        expect(deployment.make('tileserver-reload').code).toBe(0);
        let got = ask('/tileserver/data/fields/0/0/0.pbf');
        for (let tries = 0; got.status !== '200' && tries < 30; tries += 1) {
          run('sleep', ['1']);
          got = ask('/tileserver/data/fields/0/0/0.pbf');
        }
        expect(got).toMatchObject({ status: '200', type: 'application/x-protobuf' });
        const plain = got.body[0] === 0x1f ? gunzipSync(got.body) : got.body;
        expect(plain.equals(tile)).toBe(true);
        const { tiles } = JSON.parse(ask('/tileserver/data/fields.json').body.toString()) as {
          tiles: string[];
        };
        expect(tiles).toEqual([`${site}/tileserver/data/fields/{z}/{x}/{y}.pbf`]);
      },
      slow,
    );
  });

  describe('JupyterLab', () => {
    const notebooks = (token = deployment.secret('JUPYTER_TOKEN')): Notebooks => ({
      port: 8092,
      host,
      path: '/jupyter/',
      token,
    });
    const authorized = (token: string): string[] => ['-H', `Authorization: token ${token}`];

    test('shows nobody a page, a file or a kernel without its token or with another', () => {
      const page = ask('/jupyter/lab');
      expect(page.status).toBe('302');
      expect(page.to).toBe(`${site}/jupyter/login?next=%2Fjupyter%2Flab`);
      for (const token of [[], authorized('wrong')])
        for (const path of ['api/contents', 'api/kernels', 'api/terminals'])
          expect(ask(`/jupyter/${path}`, ...token).status).toBe('403');
      expect(ask('/jupyter/lab?token=wrong').status).toBe('302');
      const lab = ask('/jupyter/lab', ...authorized(deployment.secret('JUPYTER_TOKEN')));
      expect(lab.status).toBe('200');
      expect(lab.body.toString()).toContain('"baseUrl": "/jupyter/"');
    });

    test("opens a kernel's websocket to its own page with the token, and to no other", async () => {
      const kernel = await startKernel(notebooks());
      expect(await knock(notebooks(), kernel, site)).toBe(101);
      expect(await knock(notebooks(''), kernel, site)).toBe(403);
      expect(await knock(notebooks('wrong'), kernel, site)).toBe(403);
    });

    test(
      'runs the starter notebook, which reads the layers of the database with a role that only reads',
      async () => {
        const found = ask(
          '/jupyter/api/contents/start.ipynb',
          ...authorized(deployment.secret('JUPYTER_TOKEN')),
        );
        const { content } = JSON.parse(found.body.toString()) as {
          content: { cells: { cell_type: string; source: string }[] };
        };
        // The cell that fetches the driver needs the registry of packages; the stand-in has the driver.
        const cells = content.cells
          .filter(({ cell_type, source }) => cell_type === 'code' && !source.startsWith('%pip'))
          .map(({ source }) => source);
        const kernel = await startKernel(notebooks());
        const outcomes = await runCells(notebooks(), kernel, ['6 * 7', ...cells]);
        expect(outcomes.map(({ status, output }) => `${status} ${output}`)).toEqual([
          expect.stringContaining('ok text/plain42'),
          expect.stringContaining('ok connected'),
          expect.stringMatching(/fields +geom +POLYGON +4326/),
          expect.stringMatching(/north[^]*image\/png/),
        ]);
        const [refused] = await runCells(notebooks(), kernel, [
          'from sqlalchemy import text\nwith engine.begin() as rows: rows.execute(text("delete from gis.fields"))',
        ]);
        expect(refused).toMatchObject({
          status: 'error',
          output: expect.stringContaining('permission denied') as unknown,
        });
      },
      slow,
    );
  });
});
