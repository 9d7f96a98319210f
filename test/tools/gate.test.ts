import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import type { Answers } from '../../generators/stack/answers.js';
import type { ResolvedRoute } from '../../generators/stack/stack.js';
import { makeStack, writeRepository } from '../stacks.js';
import { startEcho, startFastcgi } from './echo.js';
import { FrontDoor } from './front-door.js';
import { readings, spellings } from './spellings.js';
import { answersOf, variants } from './variants.js';

const catalog = loadCatalog();
const templates = loadTemplates(catalog);
const gate = [...catalog.values()].find((service) => service.gate)?.gate;

type Judgement = 'open' | 'guarded' | 'denied';
interface Place {
  route: ResolvedRoute;
  /** As the upstream sees it. */
  path: string;
  public: string;
  judgement: Judgement;
}
const rank = (judgement: Judgement): number => ['open', 'guarded', 'denied'].indexOf(judgement);

/** What the service files say of a route, without the code that prints nginx's locations. */
function placesOf(route: ResolvedRoute): Place[] {
  const { definition: d } = route;
  const seen = (path: string): string => (d.prefix === 'strip' ? `/${path.slice(route.path.length)}` : path);
  const place = (path: string, judgement: Judgement): Place => ({
    route,
    path: seen(path),
    public: path,
    judgement,
  });
  const own = route.access === 'protected' ? 'guarded' : 'open';
  return [
    place(route.path, own),
    ...(d.deny ?? []).map((part) => place(`${route.path}${part}`, 'denied')),
    ...(own === 'guarded' ? (d.open ?? []).map((part) => place(`${route.path}${part}`, 'open')) : []),
  ];
}

/** How a path is judged that reaches an upstream, by the longest place that it is in; case does not count. */
function judge(path: string, places: Place[]): Judgement {
  const inside = places.filter(({ path: place, judgement }) => {
    const prefix = place.toLowerCase();
    return judgement === 'denied'
      ? path.startsWith(prefix)
      : path === prefix.replace(/\/$/, '') || path.startsWith(prefix.replace(/\/?$/, '/'));
  });
  inside.sort((a, b) => b.path.length - a.path.length || rank(b.judgement) - rank(a.judgement));
  return inside[0]?.judgement ?? 'open';
}

/** The first line of nginx's answer, and the path as the service received it, where it did. */
function send(port: number, bytes: string): Promise<{ status: number; received: string | undefined }> {
  return new Promise((done, fail) => {
    let text = '';
    const end = (): void => {
      const body = /\{"method".*\}/s.exec(text)?.[0];
      const upgraded = /^X-Url: (.*?)\r?$/m.exec(text)?.[1];
      done({
        status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0),
        received: upgraded ?? (body === undefined ? undefined : (JSON.parse(body) as { url: string }).url),
      });
    };
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.setTimeout(15_000, () => socket.destroy(new Error(`no answer to ${bytes}`)));
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('close', end);
    socket.on('error', (error: Error & { code?: string }) =>
      error.code === 'ECONNRESET' ? end() : fail(error),
    );
  });
}

const forms: [string, (host: string, path: string) => string][] = [
  ['HTTP/1.1', (host, path) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`],
  ['HTTP/1.0', (host, path) => `GET ${path} HTTP/1.0\r\nHost: ${host}\r\n\r\n`],
  [
    'a websocket',
    (host, path) =>
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n`,
  ],
  [
    'POST',
    (host, path) =>
      `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
  ],
];

/** Every service that may be closed by its owner is open once, and closed once. */
const accesses: Record<string, (answers: Answers) => Answers> = {
  'access as in the catalogue': (answers) => answers,
  'everything protected': (answers) => ({
    ...answers,
    settings: {
      ...answers.settings,
      ...Object.fromEntries(
        answers.services
          .filter((id) => catalog.get(id)?.routes)
          .map((id) => [id, { ...answers.settings[id], access: 'protected' }]),
      ),
    },
  }),
};
const cases = variants.flatMap((variant) =>
  Object.entries(accesses).map(([access, change]) => ({ ...variant, tls: 'off' as const, access, change })),
);

describe.each(cases)('$name, $access', (variant) => {
  const answers = variant.change(answersOf(variant, catalog));
  answers.settings = {
    ...answers.settings,
    nginx: { ...answers.settings.nginx, requests_per_second: 100_000, requests_burst: 100_000 },
  };
  const { stack, rendered } = makeStack(answers, catalog, templates);
  const routes = stack.sites
    .flatMap((site) => site.routes)
    .filter(({ definition }) => !definition.upstream.startsWith('volume:'));
  let door: FrontDoor;
  let echo: Awaited<ReturnType<typeof startEcho>>;
  let fastcgi: Awaited<ReturnType<typeof startFastcgi>>;
  beforeAll(async () => {
    echo = await startEcho(gate?.verify ?? '/verify', gate?.sign_in ?? '/sign-in');
    fastcgi = await startFastcgi();
    const cgi = new Set(
      routes.filter(({ definition: d }) => d.protocol === 'fastcgi').map(({ definition: d }) => d.upstream),
    );
    const where = (upstream: string): string => `127.0.0.1:${cgi.has(upstream) ? fastcgi.port : echo.port}`;
    door = await FrontDoor.open(writeRepository(rendered), false, where, 'word');
  });
  afterAll(() => {
    door.close();
    echo.close();
    fastcgi.close();
  });

  test('no spelling of a path is judged as open and reaches a service as one that is closed', async () => {
    const upstreams = new Map<string, Place[]>();
    for (const route of routes) {
      const { upstream } = route.definition;
      upstreams.set(upstream, [...(upstreams.get(upstream) ?? []), ...placesOf(route)]);
    }
    const requests: { what: string; bytes: string; places: Place[] }[] = [];
    let pairs = 0;
    for (const places of upstreams.values())
      for (const from of places)
        for (const into of places) {
          if (rank(into.judgement) <= rank(from.judgement)) continue;
          pairs += 1;
          const { host } = from.route;
          for (const [index, { name, path }] of spellings(from.public, into.public, host).entries())
            for (const [form, write] of forms)
              // Every spelling in the plain form; of the others, each spelling in one.
              if (form === 'HTTP/1.1' || forms[1 + (index % 3)]?.[0] === form)
                requests.push({
                  what: `${from.route.id}: ${from.public} into ${into.public}, ${form}, ${name}: ${path}`,
                  bytes: write(host, path),
                  places,
                });
        }
    expect(pairs).toBeGreaterThan(5);
    const wrong: string[] = [];
    let answered = 0;
    const next = requests[Symbol.iterator]();
    const work = async (): Promise<void> => {
      for (const { what, bytes, places } of { [Symbol.iterator]: () => next }) {
        const { status, received } = await send(door.port, bytes);
        if (status > 0) answered += 1;
        const strict = readings(received ?? '').find((path) => judge(path, places) !== 'open');
        if (received !== undefined && strict !== undefined)
          wrong.push(`${what} arrived as ${received}, which is ${strict} by one reading`);
      }
    };
    await Promise.all(Array.from({ length: 16 }, work));
    expect(wrong.slice(0, 20)).toEqual([]);
    expect(answered).toBe(requests.length);
    expect(requests.length / pairs).toBeGreaterThan(40);
    process.stderr.write(`${pairs} pairs, ${requests.length} requests\n`);
  });

  test('paths that only look unusual reach their service as they came', async () => {
    const route = routes.find(
      ({ definition: d, access }) =>
        access === 'public' &&
        d.prefix === 'keep' &&
        d.protocol !== 'fastcgi' &&
        !d.deny &&
        d.only === undefined,
    );
    if (!route) {
      // Where everything is protected, no route is left that answers without a session.
      expect(variant.access).toBe('everything protected');
      return;
    }
    for (const rest of [
      'a..b/v1.2/.x',
      '...',
      'Z%C3%BCrich%20West',
      "Things('a')",
      'a:b@c;d=1,e+f',
      '%25',
      '~x/100%25',
    ])
      expect(await send(door.port, forms[0]![1](route.host, `${route.path}${rest}?q=../%2f`))).toEqual({
        status: 200,
        received: `${route.path}${rest}?q=../%2f`,
      });
  });
});
