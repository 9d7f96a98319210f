import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { loadCatalog, packageRoot } from '../../catalog/load.js';
import { numberNetworks } from '../../catalog/networks.js';
import { variations, type Variation } from '../../catalog/variations.js';
import { leadsOut, membersOf, networksOf } from '../../generators/stack/networks.js';
import { addressesInSubnet } from '../../generators/stack/subnets.js';

const catalog = loadCatalog();
const stacks = variations(catalog);

/** What breaks a rule in any of the stacks, each once. */
function broken(rule: (stack: Variation) => string[]): string[] {
  return [...new Set(stacks.flatMap(rule))].sort();
}

/** Every two containers of a stack that are on one network, as `a b`, in both orders. */
function meetings({ networks }: Variation): Set<string> {
  const found = new Set<string>();
  for (const network of networks)
    for (const one of membersOf(network))
      for (const other of membersOf(network)) if (one !== other) found.add(`${one} ${other}`);
  return found;
}

describe('in every stack of the catalogue', () => {
  test('two containers are on one network where a connection joins them, and nowhere else', () => {
    const wrong = broken((stack) => {
      const met = meetings(stack);
      const service = new Map(stack.containers.map(({ name, service: { id } }) => [name, id]));
      const declared = new Set(
        stack.containers.flatMap(({ name, connects }) =>
          connects.flatMap((to) => [`${name} ${to}`, `${to} ${name}`]),
        ),
      );
      return stack.containers.flatMap(({ name }) =>
        stack.containers.flatMap(({ name: other }) => {
          const pair = `${name} ${other}`;
          // Containers of one service may meet on the network of what both of them connect to.
          if (name === other || (service.get(name) === service.get(other) && !declared.has(pair))) return [];
          return met.has(pair) === declared.has(pair) ? [] : pair;
        }),
      );
    });
    expect(wrong).toEqual([]);
  });

  test('a container without connections, way out and published ports is on no network', () => {
    const wrong = broken(({ containers, networks }) =>
      containers.flatMap(({ name, definition }) => {
        const own = networks.filter((network) => membersOf(network).includes(name)).map((one) => one.name);
        expect(networksOf(definition)).toEqual(own);
        return (own.length === 0) === (definition.network_mode === 'none') ? [] : name;
      }),
    );
    expect(wrong).toEqual([]);
  });

  test('a container is on one network that is not internal at most, of its own service alone, and holds the metadata address there', () => {
    const wrong = broken(({ containers, networks }) => {
      const open = networks.filter(leadsOut);
      const service = new Map(containers.map(({ name, service: { id } }) => [name, id]));
      const shared = open.filter(
        ({ clients }) => new Set(clients.map((name) => service.get(name))).size !== 1,
      );
      const twice = containers.filter(
        ({ name }) => open.filter(({ clients }) => clients.includes(name)).length > 1,
      );
      const reached = containers.filter(({ name, definition }) =>
        open
          .filter(({ clients }) => clients.includes(name))
          .some(
            (network) =>
              JSON.stringify((definition.networks as Record<string, unknown>)[network.name]) !==
              '{"link_local_ips":["169.254.169.254"]}',
          ),
      );
      return [...shared, ...twice, ...reached].map(({ name }) => name);
    });
    expect(wrong).toEqual([]);
  });

  test('no network has more containers than addresses, with as many side by side as the settings allow', () => {
    const wrong = broken(({ stack, containers, networks }) => {
      const most = new Map(
        stack.services.map((service) => [
          service.scale,
          service.settings?.find(({ name }) => name === 'replicas')?.maximum ?? 1,
        ]),
      );
      expect(containers.length).toBeGreaterThan(0);
      return networks
        .filter(
          (network) =>
            membersOf(network).reduce((sum, name) => sum + (most.get(name) ?? 1), 0) >= addressesInSubnet,
        )
        .map(({ name }) => name);
    });
    expect(wrong).toEqual([]);
  });

  test('every network has a subnet of its own in one block', () => {
    const wrong = broken(({ networks }) => {
      const subnets = networks.map(({ subnet }) => subnet);
      return new Set(subnets).size === subnets.length ? [] : ['a subnet is given twice'];
    });
    expect(wrong).toEqual([]);
    for (const { networks } of stacks)
      for (const { subnet } of networks) expect(subnet).toMatch(/^10\.1(1[2-9]|2[0-7])\.\d+\.\d+\/27$/);
  });

  test('a database server has no way out', () => {
    const servers = stacks.flatMap(({ containers }) =>
      containers.filter(({ name, service }) => service.state?.some(({ server }) => server === name)),
    );
    expect(new Set(servers.map(({ name }) => name)).size).toBeGreaterThan(1);
    expect(
      servers.filter(({ definition }) => networksOf(definition).some((name) => name.endsWith('_out'))),
    ).toEqual([]);
  });

  test('nginx has no way out', () => {
    expect(
      broken(({ containers }) =>
        containers.flatMap(({ service, wayOut }) => (service.always === true && wayOut ? service.id : [])),
      ),
    ).toEqual([]);
  });
});

describe('catalog/networks.yaml', () => {
  const text = readFileSync(join(packageRoot(), 'catalog/networks.yaml'), 'utf8');

  test('has every network that services of the catalogue can make: npm run catalog adds them', () => {
    expect(numberNetworks(catalog, text)).toBe(text);
    expect(text.split('\n').length).toBeGreaterThan(100);
  });

  test('gives every network a number of its own, below those of other catalogues', () => {
    const numbers = [...(catalog.networks ?? [])].map(([, number]) => number);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(numbers.filter((number) => !Number.isInteger(number) || number < 0 || number >= 384)).toEqual([]);
  });
});
