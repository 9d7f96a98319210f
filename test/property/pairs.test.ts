import { rmSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import type { Answers } from '../../generators/stack/answers.js';
import { tlsModes } from '../../generators/stack/tls.js';
import { variableName } from '../../generators/stack/resolve.js';
import { needsDomain } from '../../generators/stack/sites.js';
import { makeView } from '../../generators/stack/view.js';
import { choosable, compatible, domainsOf, makeStack, withNeeds, writeRepository } from '../stacks.js';
import { localNginx } from '../tools/lint.js';

const catalog = loadCatalog();
const templates = loadTemplates(catalog);
const ids = choosable(catalog);
const pairs = ids.flatMap((a, index) => ids.slice(index + 1).map((b): [string, string] => [a, b]));
const excluded = (a: string, b: string): boolean => compatible([a, b], catalog).length < 2;
const execute = promisify(execFile);

/** By path where a service can live by path; on domains of its own where it must, or where the pair's turn is so. */
function answersFor(services: string[], turn: number): Answers {
  const own = Math.floor(turn / tlsModes.length) % 2 === 1;
  const needed = withNeeds(services, catalog);
  const owners = needed.filter((id) => {
    const routes = catalog.get(id)?.routes ?? [];
    return (
      needsDomain(catalog.get(id)) ||
      (own && routes.length > 0 && routes.every((route) => route.own !== 'no'))
    );
  });
  return {
    name: 'pair',
    services,
    domains: domainsOf(owners),
    tls: tlsModes[turn % tlsModes.length] ?? 'off',
    expose: {},
    settings: {},
  };
}

const make = (answers: Answers): ReturnType<typeof makeStack> => makeStack(answers, catalog, templates);

const twice = (names: string[]): string[] => [
  ...new Set(names.filter((name, index) => names.indexOf(name) !== index)),
];

test('no two services of the catalogue share a container, a volume, a variable, a task or a published port by accident', () => {
  const all = [...catalog.values()];
  const shared = {
    containers: twice(
      // What only adds to another service's container states no limits.
      all.flatMap(({ compose }) =>
        Object.entries(compose.services ?? {}).flatMap(([name, { deploy }]) => (deploy ? name : [])),
      ),
    ),
    volumes: twice(all.flatMap(({ compose }) => Object.keys(compose.volumes ?? {}))),
    variables: twice(
      all.flatMap(({ id, settings = [] }) => [
        ...new Set(settings.map(({ name }) => variableName(id, name))),
      ]),
    ),
    tasks: twice(all.flatMap(({ tasks = [] }) => tasks.map(({ name }) => name))),
    ports: twice(all.flatMap(({ ports = [] }) => ports.map(({ name }) => name))),
    paths: twice(all.flatMap(({ routes = [] }) => routes.flatMap(({ path }) => path ?? []))),
  };
  expect(shared).toEqual({ containers: [], volumes: [], variables: [], tasks: [], ports: [], paths: [] });
});

test('every two services together resolve, share no place, and count their memory right', () => {
  for (const [turn, [a, b]] of pairs.entries()) {
    if (excluded(a, b)) continue;
    const { stack, rendered } = make(answersFor([a, b], turn));
    const view = makeView(stack);
    const databases = view.offers('databases');
    const found = {
      routes: twice(view.routes.map(({ host, path }) => host + path)),
      ports: twice(
        rendered.compose.containers
          .flatMap(({ definition }) => (definition.ports ?? []) as string[])
          .map((port) => port.split(':').slice(0, -1).join(':')),
      ),
      databases: twice(databases.map(({ name }) => String(name))),
      roles: twice([
        ...databases.map(({ owner }) => String(owner)),
        ...view.offers('roles').map(({ name }) => String(name)),
      ]),
    };
    expect({ a, b, found }).toEqual({ a, b, found: { routes: [], ports: [], databases: [], roles: [] } });
    expect(stack.memory).toBe(stack.services.reduce((sum, { memory }) => sum + memory, 0));
  }
});

test('a service does not ask for more memory than its containers may take', () => {
  for (const id of ids) {
    const { stack, rendered } = make(answersFor([id], 0));
    const service = stack.services.find((other) => other.id === id);
    const limits = rendered.compose.memory
      .filter(({ service: owner }) => owner.id === id)
      .map(({ value }) => megabytes(value));
    const sum = limits.reduce((all, one) => all + one, 0);
    expect({ id, enough: sum >= (service?.memory ?? 0) }).toEqual({ id, enough: true });
  }
});

function megabytes(text: string): number {
  const [, number = '0', unit = ''] = /^(\d+)([MG])$/i.exec(text) ?? [];
  return Number(number) * (unit.toUpperCase() === 'G' ? 1024 : 1);
}

async function accepted(answers: Answers): Promise<string> {
  const folder = writeRepository(make(answers).rendered);
  const { folder: nginx, main } = localNginx(folder);
  try {
    await execute('docker', ['compose', '--profile', '*', 'config', '-q'], { cwd: folder });
    await execute('nginx', ['-t', '-q', '-c', main, '-e', 'stderr']);
    return '';
  } catch (error) {
    return `${answers.services.join(' + ')} (${answers.tls}): ${(error as { stderr?: string }).stderr ?? String(error)}`;
  } finally {
    rmSync(folder, { recursive: true });
    rmSync(nginx, { recursive: true });
  }
}

test('docker compose and nginx accept every two services together, in each TLS mode and routing style', async () => {
  const left = [...pairs.entries()].filter(([, [a, b]]) => !excluded(a, b));
  const refused: string[] = [];
  await Promise.all(
    [1, 2, 3].map(async () => {
      for (let next = left.shift(); next && refused.length < 20; next = left.shift()) {
        const [turn, pair] = next;
        const said = await accepted(answersFor(pair, turn));
        if (said) refused.push(said);
      }
    }),
  );
  expect(refused).toEqual([]);
}, 1_200_000);
