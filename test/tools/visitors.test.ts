import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import { makeStack, writeRepository } from '../stacks.js';
import { startEcho } from './echo.js';
import { FrontDoor } from './front-door.js';

const catalog = loadCatalog();
let door: FrontDoor;
let echo: Awaited<ReturnType<typeof startEcho>>;

beforeAll(async () => {
  echo = await startEcho('/verify', '/sign-in');
  const { rendered } = makeStack(
    {
      name: 'visitors',
      services: ['martin', 'adminer', 'postgis', 'mapproxy'],
      domains: [{ host: 'gis.example.org', aliases: ['www.example.org'] }],
      tls: 'files',
      expose: {},
      settings: { nginx: { hsts: 'preload' } },
    },
    catalog,
    loadTemplates(catalog),
  );
  const where = (upstream: string): string => `127.0.0.1:${upstream.startsWith('mapproxy') ? 9 : echo.port}`;
  door = await FrontDoor.open(writeRepository(rendered), true, where, 'word');
});
afterAll(() => {
  door.close();
  echo.close();
});

function session(): Promise<ClientHttp2Session> {
  return new Promise((done, fail) => {
    const made = connectHttp2(`https://gis.example.org:${door.port}`, {
      createConnection: () =>
        connectTls({
          host: '127.0.0.1',
          port: door.port,
          servername: 'gis.example.org',
          rejectUnauthorized: false,
          ALPNProtocols: ['h2'],
        }),
    });
    // Only now does a client know how many requests may be under way.
    made.on('remoteSettings', () => done(made));
    made.on('error', fail);
  });
}

function tile(client: ClientHttp2Session, path: string): Promise<number> {
  return new Promise((done, fail) => {
    const stream = client.request({ ':path': path, ':authority': 'gis.example.org' });
    let status = 0;
    stream.on('response', (headers) => (status = Number(headers[':status'])));
    stream.on('end', () => done(status));
    stream.on('error', fail);
    stream.resume();
  });
}

test('a map of six layers on a 4K screen opens whole, is moved twice, and no tile is refused', async () => {
  // 3840 by 2160 pixels in tiles of 256, with the row and column that are cut.
  const [columns, rows, layers] = [16, 10, 6];
  for (let view = 0; view < 3; view += 1) {
    const paths = Array.from(
      { length: columns * rows * layers },
      (_item, index) => `/tiles/layer${index % layers}/${view}/${index}`,
    );
    const client = await session();
    const statuses = await Promise.all(paths.map((path) => tile(client, path)));
    expect([...new Set(statuses)]).toEqual([200]);
    client.destroy();
  }
});

test('neither of the logs holds what a visitor may want to keep to themselves, and each line of the one is JSON', async () => {
  const secret = 'geheim';
  const headers = {
    Cookie: `session=${secret}`,
    Authorization: `Basic ${Buffer.from(`gis:${secret}`).toString('base64')}`,
    Referer: `https://gis.example.org/?token=${secret}`,
    'User-Agent': secret,
    'X-Api-Key': secret,
  };
  for (const path of ['/tiles/x', '/adminer/', '/mapproxy/wmts', '/tiles/"quoted"%20%0a\\', '/nowhere'])
    await door.ask('gis.example.org', `${path}?authkey=${secret}`, { headers });
  await door.ask('gis.example.org', `/tiles/x?authkey=${secret}`, {
    headers,
    method: 'POST',
    body: 99_999_999,
  });
  await door.ask('www.example.org', `/tiles/x?authkey=${secret}`, { headers });
  // nginx writes some lines at a time, after a second at the latest.
  await sleep(2000);
  const lines = door.log().trim().split('\n');
  expect(lines.length).toBeGreaterThan(6);
  const keys = 'time host client method path status bytes seconds upstream upstream_status limit'.split(' ');
  for (const line of lines) expect(Object.keys(JSON.parse(line) as object)).toEqual(keys);
  const away = lines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .find((it) => it.status === 502);
  expect(away).toMatchObject({ path: '/mapproxy/wmts', host: 'gis.example.org' });
  for (const text of [door.log(), door.messages])
    for (const what of [secret, Buffer.from(`gis:${secret}`).toString('base64')])
      expect(text).not.toContain(what);
});

test('browsers are told of HTTPS by every name, so that a redirect between them is no gap', async () => {
  const hsts = 'max-age=63072000; includeSubDomains; preload';
  for (const [host, path, status] of [
    ['gis.example.org', '/portal/', 200],
    ['gis.example.org', '/nowhere', 404],
    ['gis.example.org', '/mapproxy/x', 502],
    ['gis.example.org', '/adminer/', 401],
    ['www.example.org', '/portal/', 308],
  ] as const) {
    const answer = await door.ask(host, path);
    expect({ host, path, status: answer.status, hsts: answer.headers['strict-transport-security'] }).toEqual({
      host,
      path,
      status,
      hsts,
    });
  }
});

test('a name that is not of this stack gets no certificate and no answer', async () => {
  for (const servername of ['evil.example.com', 'x.gis.example.org', ''])
    await expect(
      new Promise((done, fail) => {
        const socket = connectTls(
          { host: '127.0.0.1', port: door.port, servername, rejectUnauthorized: false },
          () => done(socket.getPeerCertificate().subject),
        );
        socket.on('error', fail);
      }),
    ).rejects.toThrow(/unrecognized name|alert|reset|hang up/i);
  // A name in the request that is another than that of the connection.
  const client = await session();
  const status = await new Promise((done) => {
    const stream = client.request({ ':path': '/portal/', ':authority': 'evil.example.com' });
    stream.on('response', (headers) => done(headers[':status']));
    stream.on('close', () => done('closed'));
    stream.on('error', () => done('closed'));
    stream.resume();
  });
  expect(status).not.toBe(200);
  client.destroy();
});
