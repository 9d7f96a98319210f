import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import { clearedHeaders } from '../../generators/stack/access.js';
import type { ResolvedRoute } from '../../generators/stack/stack.js';
import { startEcho, startFastcgi, type Received } from './echo.js';
import { makeStack, writeRepository } from '../stacks.js';
import { FrontDoor } from './front-door.js';
import { answersOf, variants, existing, methodWithBody } from './variants.js';

const catalog = loadCatalog();
const templates = loadTemplates(catalog);
const gate = [...catalog.values()].find((service) => service.gate)?.gate;

describe.each(variants)('through a real nginx, $name', (variant) => {
  const answers = answersOf(variant, catalog);
  const { stack, rendered } = makeStack(answers, catalog, templates);
  const routes = stack.sites
    .flatMap((site) => site.routes)
    .filter(({ definition }) => !definition.upstream.startsWith('volume:'));
  const tls = variant.tls !== 'off';
  let door: FrontDoor;
  let echo: Awaited<ReturnType<typeof startEcho>>;
  let fastcgi: Awaited<ReturnType<typeof startFastcgi>>;

  beforeAll(async () => {
    echo = await startEcho(gate?.verify ?? '/verify', gate?.sign_in ?? '/sign-in');
    fastcgi = await startFastcgi();
    const cgi = new Set(
      routes
        .filter(({ definition }) => definition.protocol === 'fastcgi')
        .map(({ definition }) => definition.upstream),
    );
    const where = (upstream: string): string => `127.0.0.1:${cgi.has(upstream) ? fastcgi.port : echo.port}`;
    door = await FrontDoor.open(writeRepository(rendered), tls, where, 'secret word');
  });
  afterAll(() => {
    door.close();
    echo.close();
    fastcgi.close();
  });

  /** What lets a visitor in where the route is protected. */
  const pass = (route: ResolvedRoute): Record<string, string> =>
    route.access !== 'protected'
      ? {}
      : variant.gate
        ? { Cookie: 'session=yes' }
        : { Authorization: `Basic ${Buffer.from('gis:secret word').toString('base64')}` };
  const identity = {
    ...Object.fromEntries(clearedHeaders.map((name) => [name, 'root'])),
    'X-Auth-Request-Email': 'root@example.org',
    'X-Forwarded-For': '6.6.6.6',
    'X-Forwarded-Host': 'evil.example.com',
    'X-Forwarded-Uri': '/evil',
    'X-Original-URL': 'https://evil.example.com/',
  };

  test.each(
    routes.map((route): [string, ResolvedRoute] => [`${route.id} at ${route.host}${route.path}`, route]),
  )('%s gets its path as it wants it, and the truth about the request', async (_name, route) => {
    const { definition: d } = route;
    const rest = existing(route, 'some/deep%20path?x=1&y=a%2Fb');
    const answer = await door.ask(route.host, `${route.path}${rest}`, {
      headers: { ...identity, ...pass(route) },
    });
    expect(answer.status).toBe(200);
    const got = JSON.parse(answer.body) as Received;
    if (d.protocol === 'fastcgi') {
      expect(got.headers).toMatchObject({
        REQUEST_URI: `${route.path}${rest}`,
        QUERY_STRING: rest.split('?')[1],
        REQUEST_METHOD: 'GET',
        SERVER_PORT: tls ? '443' : '80',
        HTTP_HOST: route.host,
        HTTP_X_FORWARDED_PROTO: tls ? 'https' : 'http',
        HTTP_X_FORWARDED_FOR: '127.0.0.1',
      });
      expect(got.headers.HTTPS).toBe(tls ? 'on' : undefined);
      for (const name of ['HTTP_X_FORWARDED_USER', 'HTTP_REMOTE_USER', 'REMOTE_USER'])
        expect(got.headers[name] ?? '').toBe('');
      expect(JSON.stringify(got.headers)).not.toMatch(/"root|6\.6\.6\.6|evil/);
      return;
    }
    expect(got.url).toBe(d.prefix === 'strip' ? `/${rest}` : `${route.path}${rest}`);
    const named = Object.keys(d.headers ?? {}).map((name) => name.toLowerCase());
    const expected: Record<string, string> = {
      host: route.host,
      'x-forwarded-host': route.host,
      'x-forwarded-proto': tls ? 'https' : 'http',
      'x-forwarded-port': tls ? '443' : '80',
      'x-forwarded-for': '127.0.0.1',
      'x-real-ip': '127.0.0.1',
    };
    for (const [name, value] of Object.entries(expected))
      if (!named.includes(name)) expect({ name, value: got.headers[name] }).toEqual({ name, value });
    const told = JSON.stringify(got.headers);
    expect(told).not.toMatch(/"root|6\.6\.6\.6|evil/);
    if (route.access === 'protected' && !variant.gate) expect(got.headers.authorization).toBeUndefined();
  });

  test.each(
    routes
      .filter(({ definition }) => definition.protocol !== 'fastcgi')
      .map((route): [string, ResolvedRoute] => [route.id, route]),
  )('%s takes a websocket where it speaks one, and nothing of the kind elsewhere', async (_name, route) => {
    const headers = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'x3JJHMbDL1EzLkh9GBhXDw==',
      ...pass(route),
    };
    const { status } = await door.ask(route.host, `${route.path}${existing(route, 'ws')}`, { headers });
    expect(status).toBe(route.definition.websocket ? 101 : 200);
  });

  test('cookies of a login that are larger than a page of memory come through on every route', async () => {
    for (const route of routes.filter(({ definition }) => definition.protocol !== 'fastcgi')) {
      const { status, headers } = await door.ask(
        route.host,
        `${route.path}${existing(route, '?cookie=12000')}`,
        {
          headers: pass(route),
        },
      );
      const cookie = headers['set-cookie']?.[0]?.length ?? 0;
      expect({ route: route.id, status, whole: cookie >= 12000 }).toEqual({
        route: route.id,
        status: 200,
        whole: true,
      });
    }
  });

  test.each(
    routes.map((route): [string, ResolvedRoute] => [
      `${route.id} (${route.definition.body_size ?? '1m'})`,
      route,
    ]),
  )('%s takes a body as large as its limit and refuses one byte more', async (_name, route) => {
    const text = route.definition.body_size ?? '1m';
    if (text === '0') return;
    const [, number = '1', unit = ''] = /^(\d+)([kmg]?)$/.exec(text) ?? [];
    const limit = Number(number) * { '': 1, k: 1 << 10, m: 1 << 20, g: 1 << 30 }[unit as 'k'];
    const path = `${route.path}${existing(route, 'up')}`;
    const method = methodWithBody(route);
    if (method === undefined) {
      const { status } = await door.ask(route.host, path, {
        method: 'POST',
        body: Buffer.alloc(1),
        headers: pass(route),
      });
      expect(status).toBe(405);
      return;
    }
    const over = await door.ask(route.host, path, {
      method,
      body: limit + 1,
      headers: pass(route),
    });
    expect(over.status).toBe(413);
    // Of a larger one only the announcement is made: nginx does not refuse it.
    const small = limit <= 16 << 20;
    const at = await door.ask(route.host, path, {
      method,
      body: small ? Buffer.alloc(limit) : limit,
      patience: 150,
      headers: pass(route),
    });
    expect(at.status).toBe(small ? 200 : 0);
    if (small) expect((JSON.parse(at.body) as Received).bytes).toBe(limit);
  });

  const guarded = routes.filter(({ access }) => access === 'protected');
  test('every protected route refuses a visitor without credentials, by any spelling of its path', async () => {
    expect(guarded.length).toBeGreaterThan(0);
    for (const route of guarded) {
      const bare = route.path.slice(0, -1);
      for (const path of [route.path, `${route.path}a/b`, `${bare}//a`, `${route.path}?x`]) {
        const { status, headers, body } = await door.ask(route.host, path, {
          headers: { ...identity, Cookie: 'session=no', Authorization: 'Basic Z2lzOng=' },
        });
        expect({ route: route.id, path, status }).toEqual({
          route: route.id,
          path,
          status: variant.gate ? 302 : 401,
        });
        expect(body).not.toContain('"method"');
        if (variant.gate)
          // nginx leaves the query as it came; the header says where to come back to.
          expect(headers.location).toMatch(/^https:\/\/login\.example\.net\/\?back=\//);
      }
    }
  });

  test('what a protected route leaves open is open, and no neighbour of it', async () => {
    for (const route of guarded)
      for (const part of route.definition.open ?? []) {
        const open = await door.ask(route.host, `${route.path}${part}`);
        expect({ route: route.id, part, status: open.status }).toEqual({
          route: route.id,
          part,
          status: 200,
        });
        for (const beside of [`x/${part}`, part.endsWith('/') ? part.slice(0, -1) : `${part}x`]) {
          const { status } = await door.ask(route.host, `${route.path}${beside}`);
          expect({ route: route.id, beside, open: status === 200 }).toEqual({
            route: route.id,
            beside,
            open: false,
          });
        }
        const below = await door.ask(route.host, `${route.path}${part.replace(/\/?$/, '/below')}`);
        expect(below.status).toBe(200);
      }
  });

  test('parameters that are denied are denied, in any case and percent-encoded', async () => {
    for (const route of routes)
      for (const name of route.definition.deny_query ?? [])
        for (const query of [
          `${name}=x`,
          `a=b&${name.toUpperCase()}=x`,
          `${name.slice(0, -1)}%${name.charCodeAt(name.length - 1).toString(16)}=x`,
        ].map((text) => text.replace('*', 'some'))) {
          const path = `${route.path}${existing(route, `p?${query}`)}`;
          const { status } = await door.ask(route.host, path, { headers: pass(route) });
          expect({ route: route.id, query, status }).toEqual({ route: route.id, query, status: 403 });
        }
  });

  test('parts of a path that are denied are denied', async () => {
    for (const route of routes)
      for (const part of route.definition.deny ?? []) {
        const { status } = await door.ask(route.host, `${route.path}${part}x`, { headers: pass(route) });
        expect({ route: route.id, part, status }).toEqual({ route: route.id, part, status: 404 });
      }
  });

  test('the portal sees every service answer', async () => {
    const pages = routes.filter(({ definition }) => definition.page !== false);
    const inside = guarded[0] && { headers: pass(guarded[0]) };
    const host = stack.sites[0]?.host ?? '';
    const { status, body } = await door.ask(host, inside ? '/portal/status' : '/portal/', inside);
    expect(status).toBe(200);
    expect(body.match(/✗|&#10007;|\[an error/g)).toBeNull();
    expect(body.match(/<b class="up">/g)?.length).toBeGreaterThanOrEqual(pages.length);
    const outside = await door.ask(host, '/portal/status');
    expect(outside.status).toBe(variant.gate ? 302 : 401);
  });

  test('requests in a row share their connections to a service', async () => {
    const route = routes.find(({ access, definition: d }) => access === 'public' && d.protocol !== 'fastcgi');
    if (!route) throw new Error('no public route in this variant');
    const before = echo.connections();
    for (let count = 0; count < 50; count += 1) await door.ask(route.host, `${route.path}${count}`);
    // One for each worker process at most, and one that a worker had closed.
    expect(echo.connections() - before).toBeLessThan(10);
  });

  if (variant.gate)
    test('the gate says who the visitor is, whatever the visitor says', async () => {
      const names = stack.gate !== 'basic' ? Object.entries(stack.gate?.gate?.identity ?? {}) : [];
      expect(names.length).toBeGreaterThan(0);
      for (const route of guarded.filter(({ definition }) => definition.protocol !== 'fastcgi')) {
        const answer = await door.ask(route.host, route.path, { headers: { ...identity, ...pass(route) } });
        const { headers } = JSON.parse(answer.body) as Received;
        for (const [name, header] of names)
          if (header === 'x_auth_request_email') expect(headers[name.toLowerCase()]).toBe('ada@example.org');
      }
    });
});

test('an unknown host name gets no answer', async () => {
  const { rendered } = makeStack(answersOf(variants[0]!, catalog), catalog, templates);
  const door = await FrontDoor.open(writeRepository(rendered), false, () => '127.0.0.1:9', 'x');
  await expect(door.ask('evil.example.com', '/')).rejects.toThrow(/hang up|ECONNRESET/);
  door.close();
});
