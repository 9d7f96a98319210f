import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import { makeStack, writeRepository } from '../stacks.js';
import { startEcho } from './echo.js';
import { FrontDoor } from './front-door.js';
import { answersOf, variants } from './variants.js';

const catalog = loadCatalog();
const templates = loadTemplates(catalog);

/** The status of a websocket upgrade: 101 where the service was reached. */
function upgrade(port: number, host: string, path: string): Promise<number> {
  return new Promise((done, fail) => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n`,
      ),
    );
    socket.once('data', (chunk: Buffer) => {
      socket.destroy();
      done(Number(/^HTTP\/1\.[01] (\d{3})/.exec(chunk.toString('latin1'))?.[1] ?? 0));
    });
    socket.on('error', fail);
  });
}

describe.each(variants.filter(({ tls }) => tls === 'off'))('through a real nginx, $name', (variant) => {
  const { stack, rendered } = makeStack(answersOf(variant, catalog), catalog, templates);
  const closed = stack.sites
    .flatMap(({ routes }) => routes)
    .filter(({ service }) => service.first_account?.ask !== undefined);
  let door: FrontDoor;
  let echo: Awaited<ReturnType<typeof startEcho>>;

  beforeAll(async () => {
    echo = await startEcho('/verify', '/sign-in');
    door = await FrontDoor.open(writeRepository(rendered), false, () => `127.0.0.1:${echo.port}`, 'word');
  });
  afterAll(() => {
    door.close();
    echo.close();
  });

  test('every part of a route is refused until its service has an administrator, and is served afterwards', async () => {
    expect(closed.length).toBeGreaterThan(2);
    const authorization = `Basic ${Buffer.from('gis:word').toString('base64')}`;
    for (const { service, definition, host, path } of closed) {
      const paths = ['', 'a/b', ...(definition.open ?? [])].map((part) => path + part);
      door.setOpen(service.id, false);
      for (const place of paths) {
        for (const method of ['GET', 'POST']) {
          const headers = { Authorization: authorization };
          const refused = await door.ask(host, place, { method, headers });
          expect([service.id, place, method, refused.status]).toEqual([service.id, place, method, 503]);
          expect(refused.headers['retry-after']).toBe('15');
          expect(refused.body).toContain('Back in a moment');
        }
        expect(await upgrade(door.port, host, place)).toBe(503);
      }
      door.setOpen(service.id, true);
      for (const place of paths) {
        const served = await door.ask(host, place, { headers: { Authorization: authorization } });
        expect([service.id, place, served.status]).toEqual([service.id, place, 200]);
      }
      if (definition.websocket && service.routes?.[0]?.access === 'login')
        expect(await upgrade(door.port, host, path)).toBe(101);
    }
  });

  test('the page for a first account is refused afterwards, too, where it has an address of its own', async () => {
    for (const { service, definition, host, path } of closed) {
      door.setOpen(service.id, true);
      for (const part of definition.deny ?? [])
        expect((await door.ask(host, path + part, { method: 'POST' })).status).toBe(404);
    }
    expect(closed.some(({ definition }) => definition.deny?.includes('api/setup'))).toBe(true);
  });
});
