import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import type { Answers } from '../../generators/stack/answers.js';
import { makeStack, writeRepository } from '../stacks.js';
import { startEcho, type Received } from './echo.js';
import { FrontDoor } from './front-door.js';
import { nginxTest } from './lint.js';

const catalog = loadCatalog();
const templates = loadTemplates(catalog);
const answers = (more: Partial<Answers> = {}): Answers => ({
  name: 'front',
  services: ['martin', 'adminer', 'postgis'],
  domains: [{ host: 'gis.example.org' }],
  tls: 'off',
  expose: {},
  settings: {},
  ...more,
});

async function open(
  more: Partial<Answers>,
  where?: string,
): Promise<{ door: FrontDoor; echo: Awaited<ReturnType<typeof startEcho>> }> {
  const echo = await startEcho('/verify', '/sign-in');
  const { stack, rendered } = makeStack(answers(more), catalog, templates);
  const door = await FrontDoor.open(
    writeRepository(rendered),
    stack.tls !== 'off',
    () => where ?? `127.0.0.1:${echo.port}`,
    'word',
  );
  return { door, echo };
}

test.each(['off', 'self-signed', 'letsencrypt', 'files'] as const)(
  'nginx accepts all of its options together with tls %s',
  (tls) => {
    const nginx = {
      cache: true,
      trusted_proxies: '10.0.0.0/8',
      ...(tls === 'off' ? {} : { http3: true }),
      ...(tls === 'letsencrypt' || tls === 'files' ? { hsts: 'preload' } : {}),
    };
    const { rendered } = makeStack(answers({ tls, settings: { nginx } }), catalog, templates);
    expect(nginxTest(writeRepository(rendered))).toEqual({ code: 0, stdout: '', stderr: '' });
  },
);

describe('the cache of nginx', () => {
  let door: FrontDoor;
  let echo: Awaited<ReturnType<typeof startEcho>>;
  beforeAll(async () => {
    ({ door, echo } = await open({ settings: { nginx: { cache: true } } }));
  });
  afterAll(() => {
    door.close();
    echo.close();
  });
  const ask = (path: string, headers: Record<string, string> = {}) =>
    door.ask('gis.example.org', `/tiles/${path}`, { headers });
  const twice = async (path: string, headers: Record<string, string> = {}): Promise<unknown> => {
    await ask(path, headers);
    return (await ask(path, headers)).headers['x-cache-status'];
  };

  test('keeps images and vector tiles', async () => {
    expect(await twice('1/0/0?type=image/png')).toBe('HIT');
    expect(await twice('2/0/0?type=application/x-protobuf')).toBe('HIT');
    expect(await twice('3/0/0?type=application/vnd.mapbox-vector-tile')).toBe('HIT');
  });

  test('keeps neither documents nor failures', async () => {
    expect(await twice('catalog?type=application/json')).toBe('MISS');
    expect(await twice('page?type=text/html')).toBe('MISS');
    expect(await twice('4/0/0?type=image/png&status=500')).toBe('MISS');
  });

  test('neither keeps nor gives anything to somebody with a session or a password', async () => {
    expect(await twice('5/0/0?type=image/png', { Cookie: 'session=x' })).toBe('BYPASS');
    expect(await twice('6/0/0?type=image/png', { Authorization: 'Basic eDp5' })).toBe('BYPASS');
    expect((await ask('5/0/0?type=image/png')).headers['x-cache-status']).toBe('MISS');
  });

  test('of fifty who ask at once for one tile, one reaches the service', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, () => ask('7/0/0?type=image/png&wait=300')));
    const statuses = all.map(({ headers }) => headers['x-cache-status']);
    expect(statuses.filter((status) => status === 'MISS')).toHaveLength(1);
    expect(statuses.filter((status) => status === 'HIT')).toHaveLength(49);
  });

  test('does nothing for a protected page', async () => {
    const answer = await door.ask('gis.example.org', '/adminer/?type=image/png', {
      headers: { Authorization: `Basic ${Buffer.from('gis:word').toString('base64')}` },
    });
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.headers['x-cache-status']).toBeUndefined();
  });
});

test('behind a proxy that is trusted the client is whom it names, and behind another one is not', async () => {
  const forwarded = { 'X-Forwarded-For': '192.0.2.7', 'X-Forwarded-Proto': 'http' };
  for (const [trusted_proxies, client] of [
    ['127.0.0.0/8, 10.0.0.1', '192.0.2.7'],
    ['10.0.0.1', '127.0.0.1'],
  ] as const) {
    const { door, echo } = await open({ settings: { nginx: { trusted_proxies, outer_scheme: 'https' } } });
    const answer = await door.ask('gis.example.org', '/tiles/x', { headers: forwarded });
    const { headers } = JSON.parse(answer.body) as Received;
    expect(headers).toMatchObject({
      'x-forwarded-for': client,
      'x-real-ip': client,
      'x-forwarded-proto': 'https',
      'x-forwarded-port': '443',
    });
    // No loop: what comes over HTTP is answered, and redirects lead to HTTPS.
    const moved = await door.ask('gis.example.org', '/tiles');
    expect(moved).toMatchObject({ status: 308, headers: { location: 'https://gis.example.org/tiles/' } });
    door.close();
    echo.close();
  }
});

test('a client that asks too much is told so, and one that opens a large map is not', async () => {
  const { door, echo } = await open({ settings: { nginx: { requests_per_second: 1, requests_burst: 40 } } });
  const statuses = async (count: number): Promise<number[]> =>
    (await Promise.all(Array.from({ length: count }, () => door.ask('gis.example.org', '/tiles/x')))).map(
      ({ status }) => status,
    );
  expect(new Set(await statuses(40))).toEqual(new Set([200]));
  expect(new Set(await statuses(20))).toContain(429);
  door.close();
  echo.close();
  const usual = await open({});
  // As browsers do: many at once, and all that the burst is for in a row.
  for (let round = 0; round < 10; round += 1) {
    const burst = Array.from({ length: 100 }, () => usual.door.ask('gis.example.org', '/tiles/x'));
    expect(new Set((await Promise.all(burst)).map(({ status }) => status))).toEqual(new Set([200]));
  }
  usual.door.close();
  usual.echo.close();
});

test('a service that is away is answered for with a page that comes back by itself, under the status that it has', async () => {
  const { door, echo } = await open({}, '127.0.0.1:9');
  const answer = await door.ask('gis.example.org', '/tiles/x');
  expect(answer.status).toBe(502);
  expect(answer.headers).toMatchObject({ 'retry-after': '15', 'x-content-type-options': 'nosniff' });
  expect(answer.body).toContain('Back in a moment');
  expect((await door.ask('gis.example.org', '/.osgs/unavailable.html')).status).toBe(404);
  door.close();
  echo.close();
});

test('a web server inside of a container that says its program is away is answered for with the page, and a service that speaks for itself is not', async () => {
  const { door, echo } = await open({ services: ['mapproxy', 'martin', 'postgis'] });
  for (const status of [502, 504]) {
    const inner = await door.ask('gis.example.org', `/mapproxy/x?status=${status}`);
    expect(inner).toMatchObject({ status, headers: { 'retry-after': '15' } });
    expect(inner.body).toContain('Back in a moment');
  }
  for (const [path, status] of [
    ['/mapproxy/x', 503],
    ['/mapproxy/x', 404],
    ['/tiles/x', 502],
  ] as const) {
    const own = await door.ask('gis.example.org', `${path}?status=${status}`);
    expect({ path, status: own.status }).toEqual({ path, status });
    expect(JSON.parse(own.body)).toMatchObject({ method: 'GET' });
  }
  door.close();
  echo.close();
});

test('what a service says of its content and of frames is not said a second time, and a protected page is not shown in frames', async () => {
  const { door, echo } = await open({});
  const password = { Authorization: `Basic ${Buffer.from('gis:word').toString('base64')}` };
  const plain = await door.ask('gis.example.org', '/tiles/x');
  expect(plain.headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'strict-origin-when-cross-origin',
  });
  expect(plain.headers['x-frame-options']).toBeUndefined();
  expect(plain.headers.server).toBe('nginx');
  const own = await door.ask('gis.example.org', '/adminer/?frame=DENY', { headers: password });
  expect(own.headers['x-frame-options']).toBe('DENY');
  const none = await door.ask('gis.example.org', '/adminer/', { headers: password });
  expect(none.headers['x-frame-options']).toBe('SAMEORIGIN');
  door.close();
  echo.close();
});

test('browsers are told to come by HTTPS alone where the certificate is one that they trust', () => {
  const headers = (tls: Answers['tls'], hsts?: string): string =>
    makeStack(
      answers({ tls, settings: hsts ? { nginx: { hsts } } : {} }),
      catalog,
      templates,
    ).rendered.files.get('nginx/snippets/headers.conf')?.content ?? '';
  const hsts = 'add_header Strict-Transport-Security "max-age=63072000';
  expect(headers('letsencrypt')).toContain(`${hsts}" always;`);
  expect(headers('files', 'preload')).toContain(`${hsts}; includeSubDomains; preload" always;`);
  expect(headers('files', 'no')).not.toContain('Strict-Transport-Security');
  // An exception for a certificate that is not trusted could not be made any more.
  expect(headers('self-signed')).not.toContain('Strict-Transport-Security');
});
