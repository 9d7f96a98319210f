import { expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import type { Answers } from '../../generators/stack/answers.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import { choosable, compatible, domainsFor, makeStack } from '../stacks.js';

const catalog = loadCatalog();
const templates = loadTemplates(catalog);
const flavours = Math.max(...[...catalog.values()].map((service) => service.flavours?.length ?? 0));

/** Every service, in its first, second... image variant, with every on-off setting switched. */
function answersOf(flavour: number, gate: boolean, tls: Answers['tls'], front: object): Answers {
  const services = compatible(choosable(catalog), catalog).filter((id) => gate || !catalog.get(id)?.gate);
  const settings: Answers['settings'] = { nginx: { ...front } };
  for (const id of services) {
    const service = catalog.get(id);
    const chosen = service?.flavours?.[flavour - 1];
    const switched = flavour === 0 ? [] : (service?.settings ?? []).filter(({ type }) => type === 'boolean');
    settings[id] = {
      ...Object.fromEntries(switched.map(({ name, default: usual }) => [name, !usual])),
      ...(chosen && { flavour: chosen.id }),
    };
  }
  return { name: 'outer', services, domains: domainsFor(services, catalog), tls, expose: {}, settings };
}

/** The lines of a file that concern what nginx itself listens on, and its certificates. */
const ownListeners: Record<string, RegExp> = {
  'services/prometheus/prometheus.yml': /"https?:\/\/nginx\//,
  'services/prometheus/blackbox.yml': /fail_if_not_ssl/,
  'services/prometheus/alerts.yml': /CertificateEnds/,
};

/** Files of nginx that say what services are told of a request, and what becomes of their cookies. */
const toldFiles = /^(services\/|nginx\/routes\/|nginx\/snippets\/(proxy|fastcgi|identity|gate)\.conf)/;

/** What the services are told: their files, their containers without nginx, and what nginx says to them. */
function told(answers: Answers): Map<string, string> {
  const { rendered } = makeStack(answers, catalog, templates);
  const of = new Map<string, string>();
  for (const [path, { content }] of rendered.files) {
    if (!toldFiles.test(path)) continue;
    const own = ownListeners[path];
    const blocks = own ? content.split(/\n(?= {6}- )/).filter((block) => !own.test(block)) : [content];
    of.set(
      path,
      path.endsWith('blackbox.yml') ? content.replace(/^.*fail_if_not_ssl.*\n/gm, '') : blocks.join('\n'),
    );
  }
  for (const { name, service, definition } of rendered.compose.containers)
    if (!service.always) of.set(`container ${name}`, JSON.stringify(definition));
  return of;
}

const cases = Array.from({ length: flavours + 1 }, (_item, flavour) =>
  [false, true].map((gate): [number, boolean] => [flavour, gate]),
).flat();

test.each(cases)(
  'behind a proxy that has the certificates every service is told what it is told with TLS here: variant %s, single sign-on %s',
  (flavour, gate) => {
    const outer = told(answersOf(flavour, gate, 'off', { outer_scheme: 'https' }));
    const inner = told(answersOf(flavour, gate, 'files', {}));
    expect([...outer.keys()]).toEqual([...inner.keys()]);
    const differing = [...inner].filter(([name, text]) => outer.get(name) !== text);
    expect(differing.map(([name, text]) => ({ name, inner: text, outer: outer.get(name) }))).toEqual([]);
  },
);

test('the comparison sees a difference: without HTTPS the services are told otherwise', () => {
  const plain = told(answersOf(0, true, 'off', {}));
  const inner = told(answersOf(0, true, 'files', {}));
  const differing = [...inner].filter(([name, text]) => plain.get(name) !== text).map(([name]) => name);
  expect(differing).toEqual(expect.arrayContaining(['container grafana', 'container pgadmin']));
});
