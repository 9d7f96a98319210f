import { describe, expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import { updateAnswers } from '../../generators/stack/answers-update.js';
import { parseAnswers, type Answers } from '../../generators/stack/answers.js';
import { completeEnv, makeSecret } from '../../generators/stack/env.js';
import { normalizeHost } from '../../generators/stack/host.js';
import { nearest } from '../../generators/stack/near.js';
import { resolve } from '../../generators/stack/resolve.js';
import type { Stack } from '../../generators/stack/stack.js';

const catalog = loadCatalog();

function answers(more: Partial<Answers>): Answers {
  return {
    name: 'test',
    services: [],
    domains: [{ host: 'gis.example.org' }],
    tls: 'self-signed',
    expose: {},
    settings: {},
    ...more,
  };
}

function stackOf(more: Partial<Answers>): Stack {
  const resolved = resolve(answers(more), catalog);
  if ('problems' in resolved) throw new Error(resolved.problems.map(({ message }) => message).join('; '));
  return resolved.stack;
}

function problemsOf(more: Partial<Answers>): string {
  const resolved = resolve(answers(more), catalog);
  return 'problems' in resolved
    ? resolved.problems.map(({ message, remedy }) => `${message} | ${remedy ?? ''}`).join('\n')
    : '';
}

describe('host names', () => {
  test.each([
    ['GIS.Example.org', 'gis.example.org'],
    ['müller.example', 'xn--mller-kva.example'],
    ['localhost', 'localhost'],
    ['gis.example.org.', 'gis.example.org'],
  ])('%s becomes %s', (text, host) => expect(normalizeHost(text)).toBe(host));
  test.each([
    '',
    'a b',
    'https://x.org',
    'x.org/a',
    '-a.org',
    'a..b',
    '192.0.2.1',
    '*.example.org',
    'a_b.org',
    'a;b.org',
  ])('%p is none', (text) => expect(normalizeHost(text)).toBeUndefined());
});

test('a mistyped service is answered with the nearest names', () => {
  expect(nearest('geosever', catalog.keys())).toEqual(['geoserver']);
  expect(problemsOf({ services: ['geosever'] })).toContain(
    "there is no service 'geosever' | Did you mean geoserver?",
  );
});

test('a service brings the services that it needs, and says so', () => {
  const stack = stackOf({ services: ['martin'] });
  expect(stack.services.map(({ id }) => id)).toEqual(['nginx', 'postgis', 'martin']);
  expect(stack.added.map(({ service, by }) => `${service.id} for ${by.id}`)).toEqual(['postgis for martin']);
});

test('the static site takes the root of the primary domain, and the portal has it otherwise', () => {
  expect(stackOf({ services: ['hugo'] }).sites[0]).toMatchObject({ root: 'route' });
  expect(stackOf({ services: ['mapproxy'] }).sites[0]).toMatchObject({ root: 'portal' });
});

test('an owner whose path is fixed keeps it, and the root of its domain leads there', () => {
  const stack = stackOf({
    services: ['mapproxy', 'martin'],
    domains: [{ host: 'a.org' }, { host: 'b.org', owner: 'mapproxy' }, { host: 'c.org', owner: 'martin' }],
  });
  expect(stack.sites[1]).toMatchObject({
    root: { redirect: { path: '/mapproxy/' } },
    routes: [{ url: 'https://b.org/mapproxy/' }],
  });
  expect(stack.sites[2]).toMatchObject({ root: 'route', routes: [{ url: 'https://c.org/' }] });
});

test('a port that is not the usual one is part of every address', () => {
  const stack = stackOf({ services: ['mapproxy'], settings: { nginx: { https_port: 8443 } } });
  expect(stack.sites[0]?.routes[0]?.url).toBe('https://gis.example.org:8443/mapproxy/');
});

test.each<[string, Partial<Answers>, string]>([
  [
    'two services on one route',
    { services: ['martin', 'postgrest'], settings: { martin: { path: '/api/' } } },
    'are both at gis.example.org/api/',
  ],
  ['a domain given twice', { domains: [{ host: 'a.org' }, { host: 'A.org' }] }, "'a.org' is given twice"],
  [
    'a domain for a service that is not there',
    { services: ['martin'], domains: [{ host: 'a.org', owner: 'mapproxy' }] },
    "'mapproxy', which is not in this stack",
  ],
  [
    'a path for a service whose path is fixed',
    { services: ['geoserver'], settings: { geoserver: { path: '/maps/' } } },
    'is reached at /geoserver/ and nowhere else',
  ],
  [
    'a secret among the settings',
    { services: ['postgis'], settings: { postgis: { password: 'x' } } },
    'is a secret',
  ],
  [
    'an unknown setting',
    { services: ['geoserver'], settings: { geoserver: { heapp: '1g' } } },
    'Did you mean heap?',
  ],
  [
    'a setting of the wrong form',
    { services: ['geoserver'], settings: { geoserver: { heap: 'much; rm' } } },
    'must match',
  ],
  [
    'an unknown port',
    { services: ['postgis'], expose: { postgres: '' } },
    "no service of this stack has a port 'postgres'",
  ],
  [
    'a port published twice',
    { services: ['postgis'], expose: { postgis: '127.0.0.1:443' } },
    'published twice',
  ],
  [
    'the path that the portal has',
    { services: ['martin'], settings: { martin: { path: '/portal/' } } },
    'keeps that path for itself',
  ],
])('%s is refused', (_name, more, text) => expect(problemsOf(more)).toContain(text));

test('a malformed osgs.yaml is refused with its line and column', () => {
  expect(parseAnswers('name: a\nservices: [a\n', 'osgs.yaml').problems[0]).toMatchObject({
    file: 'osgs.yaml',
    line: 3,
  });
  expect(parseAnswers('name: a\nserivces: []\n', 'osgs.yaml').problems[0]).toMatchObject({
    line: 2,
    column: 1,
    message: "unknown key 'serivces'",
  });
  expect(parseAnswers('tls: maybe\n', 'osgs.yaml').problems[0]).toMatchObject({
    line: 1,
    message: 'tls must be one of letsencrypt, self-signed, files, off',
  });
});

test('osgs.yaml keeps the comments of the owner when an answer changes', () => {
  const text = '# ours\nname: a # short\nservices: [martin] # tiles\ntls: off\n';
  const parsed = parseAnswers(text, 'osgs.yaml').answers as Answers;
  expect(updateAnswers(text, { ...parsed, expose: {}, settings: {} })).toBe(text);
  expect(updateAnswers(text, { ...parsed, tls: 'self-signed' })).toBe(
    text.replace('tls: off', 'tls: self-signed'),
  );
});

test('values in .env stay byte for byte, and a missing key is appended', () => {
  const entries = [
    { variable: 'A', help: 'a', section: 'One', value: undefined },
    { variable: 'B', help: 'b', section: 'One', value: undefined },
  ];
  const present = '# mine\nA=kept$ "as it is"';
  const text = completeEnv(present, entries, [], () => 'NEW');
  expect(text.startsWith(`${present}\n`)).toBe(true);
  expect(text).toMatch(/\nB=NEW\n$/);
  expect(completeEnv(text, entries, [], () => 'OTHER')).toBe(text);
});

test('a secret is 32 letters and digits, of each kind at least one', () => {
  const secrets = Array.from({ length: 5000 }, () => makeSecret());
  const form = /^(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9]{32}$/;
  expect(secrets.filter((secret) => !form.test(secret))).toEqual([]);
  expect(new Set(secrets).size).toBe(secrets.length);
});

test('comments beside what an answer takes away stay in osgs.yaml, at its end where they have no place', () => {
  const text = `name: x
services:
  # the database
  - postgis
  # vector tiles, for the web map
  - martin # since 2024
domains: [{ host: a.org }]
settings:
  # mine
  nginx:
    # behind another proxy
    http_port: 8080
`;
  const { answers } = parseAnswers(text, 'osgs.yaml');
  const updated = updateAnswers(text, { ...(answers as Answers), services: ['postgis'], settings: {} });
  expect(parseAnswers(updated, 'osgs.yaml').answers).toEqual({
    ...answers,
    services: ['postgis'],
    settings: {},
  });
  for (const comment of ['the database', 'for the web map', 'since 2024', 'mine', 'behind another proxy'])
    expect(updated).toContain(comment);
});
