import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import { makeStack, writeRepository } from '../stacks.js';
import { startEcho } from './echo.js';
import { FrontDoor, type Answer } from './front-door.js';

const catalog = loadCatalog();
const host = 'gis.example.org';
const password = { Authorization: `Basic ${Buffer.from('gis:word').toString('base64')}` };

describe.each<'off' | 'self-signed'>(['off', 'self-signed'])('with TLS %s', (tls) => {
  let door: FrontDoor;
  let echo: Awaited<ReturnType<typeof startEcho>>;

  beforeAll(async () => {
    echo = await startEcho('/verify', '/sign-in');
    const { rendered } = makeStack(
      {
        name: 'pages',
        services: ['martin', 'adminer', 'mapproxy', 'hugo', 'geoserver'],
        domains: [
          { host, aliases: ['www.example.org'] },
          { host: 'site.example.org', services: ['hugo'] },
        ],
        tls,
        expose: {},
        settings: { nginx: { cache: true } },
      },
      catalog,
      loadTemplates(catalog),
    );
    const where = (upstream: string): string =>
      `127.0.0.1:${upstream.startsWith('mapproxy') ? 9 : echo.port}`;
    door = await FrontDoor.open(writeRepository(rendered), tls !== 'off', where, 'word');
  });
  afterAll(() => {
    door.close();
    echo.close();
  });

  const policyOf = ({ headers }: Answer): string => String(headers['content-security-policy'] ?? '');

  test.each([
    ['the portal at the root', '/', 200],
    ['the portal', '/portal/', 200],
    ['the portal for those who logged in', '/portal/status', 200],
    ['the page for a service that is unavailable', '/mapproxy/service', 502],
  ])('%s runs no script, and its only style is a file that it gets', async (_name, path, status) => {
    const answer = await door.ask(host, path, { headers: path === '/portal/status' ? password : {} });
    expect(answer.status).toBe(status);
    expect(policyOf(answer)).toContain("default-src 'none'; style-src 'self';");
    expect(policyOf(answer)).not.toMatch(/unsafe|script-src|\*/);
    expect(answer.body).not.toMatch(/<style|<script|\sstyle=|\son[a-z]+=|javascript:/i);
    const files = [...answer.body.matchAll(/<link[^>]* href="([^"]*)"/g)].map(([, href]) => href ?? '');
    expect(files).toHaveLength(1);
    for (const file of files) {
      const style = await door.ask(host, file);
      expect([style.status, style.headers['content-type'], style.headers['x-content-type-options']]).toEqual([
        200,
        'text/css',
        'nosniff',
      ]);
    }
  });

  test('the portal is framed by its own site alone, the unavailable page wherever a map is embedded', async () => {
    expect(policyOf(await door.ask(host, '/portal/'))).toContain("frame-ancestors 'self'");
    expect(policyOf(await door.ask(host, '/mapproxy/service'))).not.toContain('frame-ancestors');
  });

  test('the portal asks for no powers of the browser, and shares no window with other sites under HTTPS', async () => {
    const { headers } = await door.ask(host, '/portal/');
    expect(headers['permissions-policy']).toContain('geolocation=()');
    expect(headers['cross-origin-opener-policy']).toBe(tls === 'off' ? undefined : 'same-origin');
  });

  test.each([
    ['a path of no service', host, '/martin', 404],
    ['a redirect to a path with its slash', host, '/tiles', 308],
    ['a redirect of an alias', 'www.example.org', '/', 308],
    ['a path that does not exist', host, '/portal/nothing', 404],
    ['a page behind a password', host, '/adminer/', 401],
  ])('what nginx answers itself has the headers: %s', async (_name, where, path, status) => {
    const answer = await door.ask(where, path);
    expect(answer.status).toBe(status);
    expect(policyOf(answer)).toMatch(/^default-src 'none'/);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.headers['referrer-policy']).toBe('strict-origin-when-cross-origin');
  });

  test('a service has the policy that it gives itself, or none: maps are not broken', async () => {
    for (const [path, headers] of [
      ['/tiles/x', {}],
      ['/geoserver/web/', {}],
      ['/adminer/x', password],
    ] as [string, Record<string, string>][]) {
      const plain = await door.ask(host, path, { headers });
      expect([plain.status, policyOf(plain), plain.headers['permissions-policy']]).toEqual([
        200,
        '',
        undefined,
      ]);
      const own = await door.ask(host, `${path}?csp=script-src%20'self'`, { headers });
      expect(policyOf(own)).toBe("script-src 'self'");
    }
  });

  test('an image that nginx kept has no policy of nginx either', async () => {
    for (const kept of ['MISS', 'HIT']) {
      const answer = await door.ask(host, '/tiles/map?type=image/svg%2Bxml');
      expect([answer.headers['x-cache-status'], policyOf(answer)]).toEqual([kept, '']);
    }
  });

  test('pages of a site of files have a modest policy: scripts, styles and maps from anywhere work', async () => {
    const policy = policyOf(await door.ask('site.example.org', '/site/'));
    expect(policy).toBe("object-src 'self'; base-uri 'self'; form-action 'self' https:");
  });
});
