import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import type { Catalog, CatalogService } from '../../catalog/service.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import type { Answers } from '../../generators/stack/answers.js';
import type { ResolvedRoute } from '../../generators/stack/stack.js';
import { clearedHeaders, setHeaders } from '../../generators/stack/trusted-headers.js';
import { choosable, compatible, domainsFor, makeStack, writeRepository } from '../stacks.js';
import { startEcho, startFastcgi, type Received } from './echo.js';
import { FrontDoor } from './front-door.js';
import { existing } from './variants.js';

const real = loadCatalog();
const gate = [...real.values()].find((service) => service.gate)?.gate;

const pattern = real.get('mailpit') as CatalogService;
/** A service that speaks FastCGI: none of the catalogue does. */
const cgi: CatalogService = {
  ...pattern,
  id: 'fastcgi',
  title: 'FastCGI',
  compose: {
    services: { fastcgi: { deploy: { resources: { limits: { memory: '9M' } } } } },
  },
  wiring: [],
  checks: [],
  settings: [],
  trusts: ['X-Made-Up-Url'],
  routes: [
    {
      upstream: 'fastcgi:9000',
      path: '/fastcgi/',
      prefix: 'keep',
      own: 'root',
      access: 'public',
      protocol: 'fastcgi',
    },
  ],
};
const catalog: Catalog = Object.assign(new Map([...real, ['fastcgi', cgi]]), { presets: real.presets });
const templates = loadTemplates(catalog);

const variants: { name: string; tls: Answers['tls']; outer?: 'https'; gate: boolean; flavour: number }[] = [
  { name: 'plain HTTP, single sign-on', tls: 'off', gate: true, flavour: 0 },
  { name: 'TLS here, first variants', tls: 'self-signed', gate: false, flavour: 1 },
  { name: 'TLS at a proxy in front, second variants', tls: 'off', outer: 'https', gate: false, flavour: 2 },
];

function answersOf({ tls, outer, gate, flavour }: (typeof variants)[number]): Answers {
  const services = compatible(choosable(catalog), catalog).filter((id) => gate || !catalog.get(id)?.gate);
  const settings: Answers['settings'] = outer ? { nginx: { outer_scheme: outer } } : {};
  for (const id of services) {
    const chosen = catalog.get(id)?.flavours?.[flavour - 1];
    if (chosen) settings[id] = { flavour: chosen.id };
  }
  return { name: 'told', services, domains: domainsFor(services, catalog), tls, expose: {}, settings };
}

/** Spellings of a header's name: HTTP takes any case, and programs that speak CGI take - and _ for the same. */
const spellings: ((name: string) => string)[] = [
  (name) => name,
  (name) => name.toUpperCase(),
  (name) => name.toLowerCase(),
  (name) => name.replaceAll('-', '_'),
  (name) => name.replace('-', '_'),
  (name) => name.toLowerCase().replace(/-(?=[^-]*$)/, '_'),
];

describe.each(variants)('through a real nginx, $name', (variant) => {
  const { stack, rendered } = makeStack(answersOf(variant), catalog, templates);
  const https = stack.scheme === 'https';
  const routes = stack.sites
    .flatMap((site) => site.routes)
    .filter(({ definition }) => !definition.upstream.startsWith('volume:'));
  let door: FrontDoor;
  let echo: Awaited<ReturnType<typeof startEcho>>;
  let fastcgi: Awaited<ReturnType<typeof startFastcgi>>;

  beforeAll(async () => {
    echo = await startEcho(gate?.verify ?? '/verify', gate?.sign_in ?? '/sign-in');
    fastcgi = await startFastcgi();
    const where = (upstream: string): string =>
      `127.0.0.1:${upstream === 'fastcgi:9000' ? fastcgi.port : echo.port}`;
    door = await FrontDoor.open(writeRepository(rendered), variant.tls !== 'off', where, 'secret word');
  });
  afterAll(() => {
    door.close();
    echo.close();
    fastcgi.close();
  });

  const pass = (route: ResolvedRoute): Record<string, string> => {
    if (route.access !== 'protected') return {};
    const basic = `Basic ${Buffer.from('gis:secret word').toString('base64')}`;
    return variant.gate ? { Cookie: 'session=yes' } : { Authorization: basic };
  };
  const cases = routes.map((route): [string, ResolvedRoute] => [route.id, route]);

  test.each(cases)('what a client says in a header that %s trusts never arrives', async (_id, route) => {
    const trusted = [...setHeaders, ...clearedHeaders, ...(route.service.trusts ?? [])];
    const names = [...new Set(trusted)].filter((name) => name !== 'Host');
    for (const spell of spellings) {
      const forged = Object.fromEntries(names.map((name) => [spell(name), `forged by ${name}`]));
      const { status, body } = await door.ask(route.host, `${route.path}${existing(route, 'x')}`, {
        headers: { ...forged, ...pass(route) },
      });
      expect(status).toBe(200);
      const { headers } = JSON.parse(body) as Received;
      const arrived = Object.entries(headers).filter(([, value]) => String(value).includes('forged'));
      expect(arrived).toEqual([]);
    }
  });

  test.each(cases.filter(([, { definition }]) => definition.protocol !== 'fastcgi'))(
    'a cookie of %s has Secure exactly where visitors use HTTPS, and keeps its other attributes',
    async (_id, route) => {
      const cookieOf = async (query: string): Promise<string | undefined> =>
        (
          await door.ask(route.host, `${route.path}${existing(route, `x?cookie=4${query}`)}`, {
            headers: pass(route),
          })
        ).headers['set-cookie']?.[0];
      expect(await cookieOf('')).toBe(`session=xxxx${https ? '; Secure' : ''}`);
      const whole = await cookieOf('&flags=Path=/x;%20Secure;%20HttpOnly;%20SameSite=None');
      expect(whole).toMatch(/^session=xxxx; Path=\/x; Secure; HttpOnly; SameSite=None$/i);
    },
  );
});

describe('the catalogue', () => {
  const packagings = [...real.values()].flatMap((service) => [
    service,
    ...(service.flavours ?? []).map((flavour) => ({
      ...service,
      ...flavour,
      id: `${service.id}/${flavour.id}`,
    })),
  ]);

  test.each(packagings.map((one): [string, typeof one] => [one.id, one]))(
    '%s says which headers it trusts, where requests reach it',
    (_id, service) => {
      const reached =
        service.gate !== undefined ||
        (service.routes ?? []).some(({ upstream }) => !upstream.startsWith('volume:'));
      expect(service.trusts !== undefined).toBe(reached);
    },
  );
});
