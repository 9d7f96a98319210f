import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CatalogService } from '../../catalog/service.js';
import { loadCatalog } from '../../catalog/load.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import { makeStack, writeRepository } from '../stacks.js';
import { startEcho } from './echo.js';
import { FrontDoor } from './front-door.js';

const catalog = loadCatalog();
const host = 'gis.example.org';

/** QGIS Server's route with words of this test, and the database that lets it write. */
function withWords(words: object): typeof catalog {
  const copy = new Map(catalog) as unknown as typeof catalog;
  const service = catalog.get('qgis-server') as CatalogService;
  const [route] = service.routes ?? [];
  (copy as unknown as Map<string, CatalogService>).set('qgis-server', {
    ...(service as CatalogService & object),
    routes: [{ ...route!, ...words }],
  });
  return Object.assign(copy, { presets: catalog.presets });
}

async function open(words: object, access: 'read' | 'write'): Promise<FrontDoor> {
  const echo = await startEcho('/verify', '/sign-in');
  closing.push(() => echo.close());
  const { rendered } = makeStack(
    {
      name: 'words',
      services: ['qgis-server', 'postgis'],
      domains: [{ host }],
      tls: 'off',
      expose: {},
      settings: { 'qgis-server': { database_access: access } },
    },
    withWords(words),
    loadTemplates(catalog),
  );
  const door = await FrontDoor.open(writeRepository(rendered), false, () => `127.0.0.1:${echo.port}`, 'word');
  closing.push(() => door.close());
  return door;
}

const closing: (() => void)[] = [];
afterAll(() => closing.forEach((close) => close()));

const map = 'SERVICE=WMS&REQUEST=GetMap';
const status = async (door: FrontDoor, path: string, method = 'GET'): Promise<number> =>
  (await door.ask(host, path, { method, ...(method === 'POST' ? { body: Buffer.from('MAP=x') } : {}) }))
    .status;

describe('QGIS Server behind a real nginx', () => {
  let read: FrontDoor;
  let write: FrontDoor;
  beforeAll(async () => {
    read = await open({}, 'read');
    write = await open({}, 'write');
  });

  test.each([
    ['/ogc/world', 200],
    ['/ogc/w%6frld', 200],
    ['/ogc/', 404],
    ['/ogc/world/', 404],
    ['/ogc/world/wfs3/collections', 404],
    ['/ogc/x&MAP=/tmp/secret/secret.qgs&y=', 404],
    ['/ogc/x%26MAP=/tmp/secret.qgs', 404],
    ['/ogc/x%3Fmap=secret', 404],
    ['/ogc/x;map=secret', 404],
    ['/ogc/..%00', 400],
    ['/ogc/%2e%2e', 400],
    ['/ogc/.world', 404],
    ['/ogc/world.qgs', 404],
    ['/ogc/w%0aorld', 400],
    ['/ogc/world%0a', 400],
    ['/ows/?MAP=x', 404],
    ['/wfs3/', 404],
  ])('the only paths that exist are those of projects: %s', async (path, wanted) => {
    expect(await status(read, `${path}${path.includes('?') ? '&' : '?'}${map}`)).toBe(wanted);
  });

  test.each([
    ['MAP=x'],
    ['map'],
    ['mAp=&a=b'],
    ['%6dap=x'],
    ['ma%50=x'],
    ['SLD=http://prometheus:9090/'],
    ['SLD_BODY=x'],
    ['sld%5Fbody=x'],
    ['foo:url=http://prometheus:9090/'],
    ['foo:URL=x'],
    ['foo%3Aurl=x'],
    ['foo:u%72l=x'],
    ['%2553LD=x'],
    ['REQUEST_BODY=x'],
    ['WIDTH=4097'],
    ['width=15000'],
    ['WIDTH=100&WIDTH=15000'],
    ['WIDTH=%31%35000'],
    ['WIDTH=1e9'],
    ['WIDTH=+15000'],
    ['HEIGHT=99999999999999999999'],
    ['WIDTH'],
    ['DPI=601'],
  ])('a query is refused for %s', async (query) => {
    expect(await status(read, `/ogc/world?${map}&${query}`)).toBe(403);
    expect(await status(read, `/ogc/world?${query}&${map}`)).toBe(403);
    expect(await status(write, `/ogc/world?${query}&${map}`)).toBe(403);
  });

  test.each([
    ['WIDTH=4096&HEIGHT=4096'],
    ['WIDTH=0256&HEIGHT=255.50&DPI=96'],
    ['WIDTH=&HEIGHT=4095'],
    ['map0:EXTENT=0,0,1,1&map0%3ALAYERS=a&MAP_RESOLUTION=96&FORMAT_OPTIONS=dpi:96'],
    ['SLD_VERSION=1.1.0'],
    ['Titre%20fran%C3%A7ais=x'],
    ['EXP_FILTER=%22name%22%20%3D%20%27a%26map%3Db%27'],
  ])('a query of a map client passes: %s', async (query) => {
    expect(await status(read, `/ogc/world?${map}&${query}`)).toBe(200);
  });

  test('no body reaches it, unless it may write', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])
      expect({ method, status: await status(read, '/ogc/world', method) }).toEqual({ method, status: 405 });
    expect(await status(read, '/ogc/world', 'HEAD')).toBe(200);
    expect(await status(write, '/ogc/world', 'POST')).toBe(200);
    expect(await status(write, '/ogc/world', 'PUT')).toBe(405);
  });
});

test('each value of a parameter has to be one of those that a route names', async () => {
  const value = '(?<osgs_map>[A-Za-z0-9_-]+)(/|%2f)(?P=osgs_map)[.]qg[sz]';
  const door = await open(
    { deny_query: undefined, query_max: undefined, query_values: { map: value } },
    'read',
  );
  for (const good of ['MAP=a/a.qgs', 'map=a%2Fa.qgz', 'x=y', 'a=b&MAP=town-1/town-1.qgs'])
    expect({ good, status: await status(door, `/ogc/world?${good}`) }).toEqual({ good, status: 200 });
  for (const bad of [
    'MAP=a/b.qgs',
    'MAP=a/a.qgs.bak',
    'MAP=/a/a.qgs',
    'MAP=a/../a.qgs',
    'MAP=postgresql:?service=gis',
    'MAP=a/a.qgs&MAP=b/c.qgs',
    'MAP=b/c.qgs&map=a/a.qgs',
    'M%41P=b/c.qgs',
    'MAP=%61/a.qgs',
    'MAP',
    'MAP=',
  ])
    expect({ bad, status: await status(door, `/ogc/world?${bad}`) }).toEqual({ bad, status: 403 });
});
