import { describe, expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import { variations } from '../../catalog/variations.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import { render, type Rendered } from '../../generators/stack/render.js';

const catalog = loadCatalog();
const templates = loadTemplates(catalog);

/** Connections that no text of the catalogue names, as `client server`, with the reason why they are declared. */
const unnamed: Record<string, string> = {
  'geoserver postgis': 'a store with SQL at the start of a session goes past the pooler',
  'webodm-worker nodeodm': 'the worker reads the address of the node from the database',
  'webodm-worker webodm-node': 'the worker reads the address of the node from the database',
  'mapserver postgis': 'the map file shows in a comment how a layer of the database is added',
  'mapproxy geoserver': 'the owner names the layers of GeoServer later',
};

/** Texts that a container has in common with another one, and does not use. */
const unused = ['mergin-beat: mailpit', 'mergin-setup: mailpit'];

/** Where a text names one of the containers as a host that is connected to. */
function mentionsIn(text: string, containers: string[]): string[] {
  const names = `(${containers.toSorted((a, b) => b.length - a.length).join('|')})`;
  const places = [
    // name:port
    `(?<=^|//|[@\\s"'=(,[])${names}:\\d{2,5}\\b`,
    // scheme://name, user@name
    `(?://|@)${names}(?=[/:"'\\s?\\\\]|$)`,
    // host=name, HOST: name, "Host": "name", -h name
    `(?:(?:host|server)["']?\\s*[=:]|-h)\\s*["']*${names}(?=["'\\s;,\\]}\\\\]|$)`,
    // <entry key="host">name</entry>
    `host">${names}<`,
  ];
  return [...text.matchAll(new RegExp(places.join('|'), 'gim'))].map(
    ([, ...found]) => found.find((name) => name !== undefined) ?? '',
  );
}

/** Environment and command of a container, as lines. */
function ownTexts(definition: Record<string, unknown>): string {
  const { environment = {}, command, entrypoint } = definition;
  const variables = Object.entries(environment as Record<string, string>);
  return [...variables.map(([key, value]) => `${key}=${value}`), command, entrypoint].map(String).join('\n');
}

/** What a stack's texts name, as `client server`: by a container, or by the files of a service. */
function mentions({ files, compose }: Rendered): { by: string; clients: string[]; server: string }[] {
  const names = compose.containers.map(({ name }) => name);
  const found = compose.containers.flatMap(({ name, definition }) =>
    mentionsIn(ownTexts(definition), names).map((server) => ({ by: name, clients: [name], server })),
  );
  for (const [path, { content }] of files) {
    const id = /^services\/([^/]+)\/.*(?<!\.geojson|\.md)$/.exec(path)?.[1];
    const clients = compose.containers.filter(({ service }) => service.id === id).map(({ name }) => name);
    const text = content.replace(/^\s*(#|\/\/|--).*$/gm, '');
    if (clients.length > 0)
      found.push(...mentionsIn(text, names).map((server) => ({ by: path, clients, server })));
  }
  return found.filter(({ clients, server }) => clients.length > 1 || clients[0] !== server);
}

describe('what the texts of services name as a host', () => {
  const missing = new Set<string>();
  const named = new Set<string>();
  const declared = new Set<string>();
  for (const { stack } of variations(catalog)) {
    const rendered = render(stack, templates);
    const { containers } = rendered.compose;
    const connects = new Map(containers.map((block) => [block.name, block.connects]));
    for (const { by, clients, server } of mentions(rendered)) {
      const able = clients.filter((name) => name === server || connects.get(name)?.includes(server));
      if (able.length === 0) missing.add(`${by}: ${server}`);
      for (const name of able) named.add(`${name} ${server}`);
    }
    // What nginx connects to is made of the routes.
    for (const block of containers)
      if (block.service.always !== true)
        for (const server of block.connects) declared.add(`${block.name} ${server}`);
  }

  test('is what they are connected to', () => {
    expect([...missing].sort()).toEqual(unused);
  });

  test('is all that they are connected to, or there is a reason', () => {
    expect(named.size).toBeGreaterThan(50);
    expect([...declared].filter((pair) => !named.has(pair)).sort()).toEqual(Object.keys(unnamed).sort());
  });
});
