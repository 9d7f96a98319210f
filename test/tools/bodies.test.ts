import { connect } from 'node:net';
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

beforeAll(async () => {
  echo = await startEcho('/verify', '/sign-in');
  const { rendered } = makeStack(
    {
      name: 'bodies',
      services: ['mapserver', 'filebrowser', 'postgis'],
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

/** Statuses of bodies that are announced and do not come: 0 where nginx waits for the body. */
async function stalled(
  count: number,
  client: string,
  path: string,
  bytes: number,
  headers: Record<string, string> = {},
): Promise<Record<string, number>> {
  const all = await Promise.all(
    Array.from({ length: count }, () =>
      door.ask(host, path, {
        method: 'POST',
        body: bytes,
        patience: 3000,
        headers: { 'X-Forwarded-For': client, ...headers },
      }),
    ),
  );
  const counts: Record<string, number> = {};
  for (const { status } of all) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

test('of 50 large uploads of one address nginx keeps eight, and takes those of another one', async () => {
  const [one, other] = await Promise.all([
    stalled(50, '192.0.2.1', '/mapserver/', 9_000_000),
    stalled(8, '192.0.2.2', '/mapserver/', 9_000_000),
  ]);
  expect(one).toEqual({ 0: 8, 429: 42 });
  expect(other).toEqual({ 0: 8 });
});

test('of bodies below a megabyte one address has 24 at the same time, and of small ones as many as requests', async () => {
  expect(await stalled(50, '192.0.2.3', '/mapserver/', 500_000)).toEqual({ 0: 24, 429: 26 });
  expect(await stalled(50, '192.0.2.4', '/mapserver/', 9_999)).toEqual({ 0: 50 });
});

test('a route that passes uploads on at once takes more of them', async () => {
  expect(await stalled(80, '192.0.2.5', '/files/', 9_000_000)).toEqual({ 0: 64, 429: 16 });
});

test('a body that does not say its size counts as a large one', async () => {
  const chunked = (): Promise<string> =>
    new Promise((done) => {
      const socket = connect(door.port, '127.0.0.1', () =>
        socket.write(
          `POST /mapserver/ HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-For: 192.0.2.6\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n`,
        ),
      );
      const end = (outcome: string): void => {
        socket.destroy();
        done(outcome);
      };
      socket.on('error', () => end('error'));
      socket.on('data', (chunk: Buffer) => end(chunk.toString('latin1').slice(9, 12)));
      setTimeout(() => end('waits'), 3000);
    });
  const all = await Promise.all(Array.from({ length: 20 }, chunked));
  expect(all.filter((outcome) => outcome === 'waits')).toHaveLength(8);
  expect(all.filter((outcome) => outcome === '429')).toHaveLength(12);
});
