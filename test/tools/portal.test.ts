import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import { makeStack, writeRepository } from '../stacks.js';
import { FrontDoor } from './front-door.js';

const catalog = loadCatalog();
const up = '<b class="up">&#10003; answers</b>';
const down = '<b class="down">&#10007; does not answer</b>';

let door: FrontDoor;
let server: Server;
/** What services were asked for, as host of nginx's upstream block and path. */
let asked: string[] = [];
let answer: (path: string, response: ServerResponse) => void;

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    answer(request.url ?? '', response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { rendered } = makeStack(
    {
      name: 'portal',
      services: ['geoserver', 'martin', 'adminer', 'hugo', 'mapproxy'],
      domains: [{ host: 'gis.example.org' }, { host: 'tiles.example.net', owner: 'mapproxy' }],
      tls: 'off',
      expose: {},
      settings: {},
    },
    catalog,
    loadTemplates(catalog),
  );
  const { port } = server.address() as AddressInfo;
  // One service is not there at all.
  const where = (upstream: string): string => `127.0.0.1:${upstream.startsWith('mapproxy') ? 9 : port}`;
  door = await FrontDoor.open(writeRepository(rendered), false, where, 'word');
});
afterAll(() => {
  door.close();
  server.closeAllConnections();
  server.close();
});
beforeEach(async () => {
  asked = [];
  answer = (_path, response) => response.end('well');
  // What was kept is forgotten.
  if (looked) await new Promise((later) => setTimeout(later, 11_500));
  looked = true;
});
let looked = false;

const password = { Authorization: `Basic ${Buffer.from('gis:word').toString('base64')}` };
const page = (path = '/portal/', headers = {}) => door.ask('gis.example.org', path, { headers });

/** What the page says below the heading of each service: its state, or that a login is needed. */
function states(body: string): Record<string, string> {
  const items = [...body.matchAll(/<h2><a [^>]*>(.*?)<\/a>[^]*?<\/small>([^]*?)<\/li>/g)];
  return Object.fromEntries(items.map(([, title = '', rest = '']) => [title, rest.trim()]));
}

test('the portal says in words whether each service answers, on other domains too, and needs no program for it', async () => {
  const { status, headers, body } = await page();
  expect(status).toBe(200);
  expect(headers['cache-control']).toBe('no-cache');
  expect(states(body)).toEqual({
    Adminer: '',
    GeoServer: up,
    MapProxy: down,
    Martin: up,
    'Static site (Hugo)': up,
  });
  expect(body).toMatch(/Which services answered at \d\d:\d\d UTC\./);
  expect(body).not.toMatch(/<script|<!--#|\[an error/);
  // Nobody is asked but services, and the protected one not at all.
  expect(asked.sort()).toEqual([
    '/geoserver/ows?service=WMS&version=1.3.0&request=GetCapabilities',
    '/tiles/catalog',
  ]);
});

test('what runs behind a login of ours is told to those alone who are past it', async () => {
  expect(await page('/portal/status')).toMatchObject({ status: 401 });
  const inside = await page('/portal/status', password);
  expect(inside.status).toBe(200);
  expect(states(inside.body)).toMatchObject({ Adminer: up, MapProxy: down });
  for (const path of ['/.osgs/up/adminer', '/.osgs/away', '/up/adminer', '/probe/adminer'])
    expect({ path, body: (await page(path)).body.includes('answer') }).toEqual({ path, body: false });
});

test('a refusal and a redirect are answers, a failure and silence are not, and nothing of them is shown', async () => {
  answer = (path, response) => {
    if (path.startsWith('/geoserver'))
      response.writeHead(302, { Location: '/secret', 'Set-Cookie': 'a=b' }).end('secret');
    else if (path.startsWith('/adminer')) response.writeHead(500).end('secret');
  };
  const begun = Date.now();
  const { status, headers, body } = await page('/portal/status', password);
  expect(Date.now() - begun).toBeLessThan(9000);
  expect(status).toBe(200);
  // Martin's never ends.
  expect(states(body)).toMatchObject({ GeoServer: up, Adminer: down, Martin: down });
  expect(JSON.stringify([headers, body])).not.toContain('secret');
  expect(headers['set-cookie']).toBeUndefined();
});

test('however many look at the page, a service is asked once in ten seconds', async () => {
  // The answers of before have ended, so that all of these find none that counts.
  const pages = await Promise.all(Array.from({ length: 200 }, () => page()));
  expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([200]));
  // While one visitor waits, the others may still see the state of before.
  expect(states((await page()).body)).toMatchObject({ Martin: up, MapProxy: down });
  expect(asked.filter((path) => path === '/tiles/catalog')).toHaveLength(1);
});
