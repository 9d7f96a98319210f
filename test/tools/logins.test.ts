import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import { makeStack, writeRepository } from '../stacks.js';
import { startEcho } from './echo.js';
import { FrontDoor } from './front-door.js';

const catalog = loadCatalog();
const host = 'gis.example.org';
let door: FrontDoor;
let echo: Awaited<ReturnType<typeof startEcho>>;

// The address of a visitor is what a trusted proxy says, so that a test can have many.
beforeAll(async () => {
  echo = await startEcho('/verify', '/sign-in');
  const { rendered } = makeStack(
    {
      name: 'logins',
      services: ['geoserver', 'grafana', 'keycloak', 'frost-server', 'adminer', 'nominatim', 'postgis'],
      domains: [{ host }],
      tls: 'off',
      expose: {},
      settings: { nginx: { trusted_proxies: '127.0.0.1' } },
    },
    catalog,
    loadTemplates(catalog),
  );
  door = await FrontDoor.open(writeRepository(rendered), false, () => `127.0.0.1:${echo.port}`, 'word');
});
afterAll(() => {
  door.close();
  echo.close();
});

/** Statuses of requests, by how often they came. */
async function tally(
  count: number,
  client: string,
  path: string | ((index: number) => string),
  more: { method?: string; headers?: Record<string, string> } = {},
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let done = 0; done < count; done += 50) {
    const some = Array.from({ length: Math.min(50, count - done) }, (_item, index) =>
      door.ask(host, typeof path === 'string' ? path : path(done + index), {
        method: 'POST',
        body: Buffer.from('username=a&password=b'),
        ...more,
        headers: { 'X-Forwarded-For': client, ...more.headers },
      }),
    );
    for (const { status } of await Promise.all(some)) counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

const login = '/geoserver/j_spring_security_check';

test('of 800 passwords that one address tries at once, about ten reach the service', async () => {
  const started = Date.now();
  const counts = await tally(800, '192.0.2.1', login);
  // One more for each six seconds that the requests took.
  const allowed = 11 + Math.ceil((Date.now() - started) / 6000);
  expect(counts[200]).toBeGreaterThanOrEqual(10);
  expect(counts[200]).toBeLessThanOrEqual(allowed);
  expect((counts[200] ?? 0) + (counts[429] ?? 0)).toBe(800);
  // Others log in meanwhile, and the address itself sees maps.
  expect(await tally(5, '192.0.2.2', login)).toEqual({ 200: 5 });
  expect(await tally(50, '192.0.2.1', '/geoserver/wms')).toEqual({ 200: 50 });
  expect(await tally(50, '192.0.2.1', login, { method: 'GET' })).toEqual({ 200: 50 });
  await sleep(1500);
  const refused = door
    .log()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(refused.find(({ status }) => status === 429)).toMatchObject({
    client: '192.0.2.1',
    path: login,
    limit: 'rate',
    upstream: '',
  });
});

const spellings: [string, string][] = [
  ['in another case', '/geoserver/J_Spring_Security_CHECK'],
  ['percent-encoded', '/geoserver/%6a_spring%5fsecurity_check'],
  ['with double slashes', '/geoserver///j_spring_security_check'],
  ['with a parameter of the path', '/geoserver/j_spring_security_check;jsessionid=1'],
  ['with an encoded semicolon', '/geoserver/j_spring_security_check%3bx=1'],
  ['with a query', '/geoserver/j_spring_security_check?x=1'],
  ['with a slash at its end', '/geoserver/j_spring_security_check/'],
];
test.each(spellings)('a login is counted %s as well', async (name, path) => {
  const client = `198.51.100.${spellings.findIndex(([one]) => one === name)}`;
  const plain = await tally(10, client, login);
  expect(plain).toEqual({ 200: 10 });
  const counts = await tally(20, client, path);
  expect(counts[200] ?? 0).toBeLessThanOrEqual(3);
});

test('names in the path of a login do not make it another one', async () => {
  const counts = await tally(
    60,
    '203.0.113.1',
    (index) => `/auth/realms/realm${index}/login-actions/authenticate?session_code=${index}`,
  );
  expect(counts[200]).toBeLessThanOrEqual(13);
});

test('where each request brings a password, a program that sends many is let through and one that guesses is slowed down', async () => {
  const headers = { Authorization: `Basic ${Buffer.from('a:b').toString('base64')}` };
  const device = '203.0.113.2';
  const first = await tally(300, device, '/FROST-Server/v1.1/Observations', { headers });
  expect(first).toEqual({ 200: 300 });
  const more = await tally(600, device, '/FROST-Server/v1.1/Observations', { headers });
  expect(more[429]).toBeGreaterThan(0);
  // Without a password nothing is counted.
  expect(await tally(100, device, '/FROST-Server/v1.1/Things', { method: 'GET' })).toEqual({ 200: 100 });
  // nginx's own password is such a one.
  const guesses = await tally(900, '203.0.113.3', '/adminer/', { headers });
  expect(guesses[429]).toBeGreaterThan(0);
  expect(guesses[200]).toBeUndefined();
});

test('a route with a limit of its own keeps the one for passwords', async () => {
  const headers = { Authorization: `Basic ${Buffer.from('gis:x').toString('base64')}` };
  await tally(900, '203.0.113.4', '/adminer/', { headers });
  const counts = await tally(10, '203.0.113.4', '/nominatim/search', { headers, method: 'GET' });
  expect(counts[429]).toBeGreaterThan(0);
});
