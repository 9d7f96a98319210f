import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import { makeStack, writeRepository } from '../stacks.js';
import { startEcho, type Received } from './echo.js';
import { FrontDoor } from './front-door.js';

const catalog = loadCatalog();
let door: FrontDoor;
let echo: Awaited<ReturnType<typeof startEcho>>;

beforeAll(async () => {
  echo = await startEcho('/verify', '/sign-in');
  const { rendered } = makeStack(
    {
      name: 'hostile',
      services: ['martin', 'adminer', 'postgis', 'qgis-server', 'hugo'],
      domains: [{ host: 'gis.example.org' }],
      tls: 'off',
      expose: {},
      settings: {},
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

/** Sends bytes as they are and gives what comes back until nginx closes. */
function raw(bytes: string, patience = 10_000): Promise<string> {
  return new Promise((done, fail) => {
    const socket = connect(door.port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.setTimeout(patience, () =>
      socket.destroy(new Error(`nginx neither answered nor closed: ${text}`)),
    );
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('close', () => done(text));
    // nginx has answered and does not read on: the answer may have come through, or not.
    socket.on('error', (error: Error & { code?: string }) => {
      if (error.code === 'ECONNRESET') done(text || 'HTTP/1.1 400 reset');
      else fail(error);
    });
  });
}
const host = 'Host: gis.example.org\r\nConnection: close\r\n';
const status = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);

test('no spelling of .. leaves the folders that nginx serves', async () => {
  for (const up of ['..', '%2e%2e', '.%2e', '..%2f', '..%5c', '..%252f'])
    for (const path of [
      `/portal/${up}/nginx.conf`,
      `/portal${up}/nginx/nginx.conf`,
      `/portal/${up}/${up}/${up}/etc/passwd`,
      `/${up}/${up}/etc/passwd`,
      `/.osgs/${up}/site/index.html`,
    ]) {
      const answer = await raw(`GET ${path} HTTP/1.1\r\n${host}\r\n`);
      expect({ path, leaked: /worker_processes|root:x:/.test(answer) }).toEqual({ path, leaked: false });
      expect([400, 403, 404, 405, 302]).toContain(status(answer));
    }
});

test('a project of QGIS Server is named by its name, and by nothing that leads elsewhere', async () => {
  for (const query of ['map=/etc/passwd', 'MAP=/io/x.qgs', 'a=b&Map=x', '%6dap=x', 'm%61p=/x'])
    expect(status(await raw(`GET /ogc/world?${query} HTTP/1.1\r\n${host}\r\n`))).toBe(403);
  const up = await raw(`GET /ogc/../../etc/passwd HTTP/1.1\r\n${host}\r\n`);
  expect(status(up)).toBe(400);
});

test('a request whose end two readers would see in two places is refused', async () => {
  const both = `POST /tiles/x HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /adminer/ HTTP/1.1\r\nHost: gis.example.org\r\n\r\n`;
  const two = `POST /tiles/x HTTP/1.1\r\n${host}Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello`;
  const odd = `POST /tiles/x HTTP/1.1\r\n${host}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`;
  const folded = `GET /tiles/x HTTP/1.1\r\n${host}X-A: b\r\n Remote-User: root\r\n\r\n`;
  const lines = `GET /tiles/x HTTP/1.1\r\nHost : gis.example.org\r\nConnection: close\r\n\r\n`;
  for (const request of [both, two, odd, folded, lines])
    expect({ request, refused: [400, 501].includes(status(await raw(request))) }).toEqual({
      request,
      refused: true,
    });
});

test('a header that says who one is never arrives, in no spelling', async () => {
  const names = [
    'Remote-User',
    'remote-user',
    'REMOTE_USER',
    'X_Forwarded_User',
    'x-webauth-user',
    'X-Remote-User',
    'X-Auth-Request-User',
  ];
  for (const name of names) {
    const answer = await raw(`GET /tiles/x HTTP/1.1\r\n${host}${name}: root\r\n\r\n`);
    expect(status(answer)).toBe(200);
    const { headers } = JSON.parse(
      answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1),
    ) as Received;
    expect(Object.values(headers)).not.toContain('root');
  }
});

test('what a protected page answers is not had by asking for it otherwise', async () => {
  for (const path of [
    '/adminer',
    '/adminer/',
    '//adminer/',
    '/ADMINER/../adminer/',
    '/adminer/;x',
    '/adminer/%2e/',
    '/x/../adminer/',
    '/adminer/?a=/tiles/',
  ])
    for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS', 'PROPFIND'])
      expect([301, 308, 400, 401, 404, 405]).toContain(
        status(await raw(`${method} ${path} HTTP/1.1\r\n${host}Content-Length: 0\r\n\r\n`)),
      );
});

test('headers and bodies that are too large are refused', async () => {
  expect(status(await raw(`GET /tiles/x HTTP/1.1\r\n${host}X-A: ${'a'.repeat(20_000)}\r\n\r\n`))).toBe(400);
  expect(status(await raw(`GET /tiles/${'a'.repeat(20_000)} HTTP/1.1\r\n${host}\r\n`))).toBe(414);
  const many = Array.from({ length: 2000 }, (_item, index) => `X-A${index}: ${'a'.repeat(100)}\r\n`).join('');
  expect(status(await raw(`GET /tiles/x HTTP/1.1\r\n${host}${many}\r\n`))).toBe(400);
  expect(status(await raw(`POST /tiles/x HTTP/1.1\r\n${host}Content-Length: 999999999\r\n\r\n`))).toBe(413);
});

test('ten thousand clients that never finish their request keep nobody out, and are let go', async () => {
  const sockets: Socket[] = [];
  let closed = 0;
  for (let batch = 0; batch < 50; batch += 1)
    await Promise.all(
      Array.from(
        { length: 200 },
        () =>
          new Promise<void>((done, fail) => {
            const socket = connect(door.port, '127.0.0.1', () => {
              socket.write('GET /tiles/x HTTP/1.1\r\nHost: gis.exam');
              done();
            });
            socket.on('close', () => (closed += 1));
            socket.on('error', fail);
            socket.resume();
            sockets.push(socket);
          }),
      ),
    );
  expect(sockets).toHaveLength(10_000);
  const answer = await door.ask('gis.example.org', '/tiles/x');
  expect(answer.status).toBe(200);
  // After client_header_timeout, 15 s, and what it takes to close so many.
  for (const end = Date.now() + 45_000; closed < sockets.length && Date.now() < end;)
    await new Promise((later) => setTimeout(later, 500));
  expect(closed).toBe(sockets.length);
  expect((await door.ask('gis.example.org', '/tiles/x')).status).toBe(200);
}, 120_000);
