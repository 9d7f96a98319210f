import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { isMap, isPair, isScalar, parseDocument, visit } from 'yaml';
import type { Node, Pair } from 'yaml';
import type { CatalogService } from '../../catalog/service.js';
import { packageRoot } from '../../catalog/load.js';

/** `owner/repository:path`, as the catalogue names where a fact was read. */
const repositoryPath = /[\w.-]+\/[\w.-]+:\S+/;
/** A name that we gave ourselves, for the owner's own files to read. */
const ours = /Named by us/;
/** Variables that every program of their kind knows: POSIX, libpq (PostgreSQL's manual, 32.15) and GDAL's options. */
const standard =
  /^(HOME|PATH|TZ|LANG|TMPDIR|PG(HOST|PORT|USER|PASSWORD|DATABASE|SERVICEFILE)|GDAL_\w+|CPL_\w+)$/;

const folder = path.join(packageRoot(), 'catalog/services');
const files = readdirSync(folder).map((name) => ({
  name,
  text: readFileSync(path.join(folder, name), 'utf8'),
}));

const textsBelow = (directory: string): string[] => {
  let entries;
  try {
    entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  } catch {
    return [];
  }
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'utf8'));
};

const comments = (...nodes: unknown[]): string[] =>
  nodes.flatMap((node) => {
    const { comment, commentBefore } = (node ?? {}) as Partial<Node>;
    return [comment, commentBefore].filter((text): text is string => typeof text === 'string');
  });

/** What is written around a mapping: before its key, before the pairs that hold it, and at each of its own keys. */
const around = (pair: Pair, holders: readonly unknown[]): string[] => [
  ...comments(pair.key, pair.value),
  ...(isMap(pair.value) ? pair.value.items.flatMap((item) => comments(item.key, item.value)) : []),
  ...holders.flatMap((holder) => (isPair(holder) ? comments(holder.key) : comments(holder))),
];

const nameOf = (pair: Pair) => (isScalar(pair.key) ? String(pair.key.value) : '');

/** Every mapping of that name in a service file, with the container that it belongs to and the comments around it. */
const mappings = (text: string, name: string) => {
  const found: { container: string; keys: Map<string, unknown>; comments: string[] }[] = [];
  visit(parseDocument(text), {
    Pair(_, pair, holders) {
      if (nameOf(pair) !== name || !isMap(pair.value)) return;
      const parents = holders.filter(isPair);
      const value = pair.value.toJSON() as Record<string, unknown>;
      found.push({
        container: nameOf(parents.at(-1) as Pair),
        keys: new Map(Object.entries(value)),
        comments: around(pair, holders.slice(-2)),
      });
    },
  });
  return found;
};

test('every variable that a service file sets has a source: a repository, a standard, or our own script that reads it', () => {
  const scripts = textsBelow(path.join(packageRoot(), 'templates/scripts')).join('\n');
  const without = files.flatMap(({ name, text }) => {
    const emitted = textsBelow(path.join(packageRoot(), 'templates/services', path.parse(name).name)).join(
      '\n',
    );
    const shell = text.match(/^.*\$\$\{?[A-Z].*$/gm)?.join('\n') ?? '';
    const readByUs = (variable: string) =>
      new RegExp(`\\b${variable}\\b`).test(`${scripts}${emitted}${shell}`);
    const sourced = new Set<string>();
    return mappings(text, 'environment').flatMap(({ container, keys, comments: said }) => {
      // What a container's first block says of its image holds for what wiring adds to it.
      if (said.some((comment) => repositoryPath.test(comment))) sourced.add(container);
      if (sourced.has(container) || said.some((comment) => ours.test(comment))) return [];
      return [...keys]
        .filter(
          ([variable, value]) =>
            value !== `\${${variable}}` && !standard.test(variable) && !readByUs(variable),
        )
        .map(([variable]) => `${name}: ${container}: ${variable}`);
    });
  });
  expect(without).toEqual([]);
});

test('every health check of a service file says why it works in that image', () => {
  const checks = files.flatMap(({ name, text }) =>
    mappings(text, 'healthcheck').map((check) => ({ name, ...check })),
  );
  const silent = checks.filter((check) => check.keys.has('test') && check.comments.length === 0);
  expect(checks.length).toBeGreaterThan(45);
  expect(silent.map(({ name, container }) => `${name}: ${container}`)).toEqual([]);
});

test('no health check uses start_interval, which older engines refuse', () => {
  const used = files.filter(({ text }) => /^\s*start_interval:/m.test(text));
  expect(used.map(({ name }) => name)).toEqual([]);
});

test('a secret that a new value in .env does not change says so to make rotate-secret', () => {
  const kept = /at the first start|first administrator|[Nn]ever change|account's own|; keep it/;
  const silent = files.flatMap(({ name, text }) => {
    const { settings = [] } = parseDocument(text).toJS() as CatalogService;
    return settings
      .filter(({ type, help, rotate }) => type === 'secret' && kept.test(help) && !rotate)
      .map((setting) => `${name}: ${setting.name}`);
  });
  expect(silent).toEqual([]);
});

test("a database role's password is set again by the database's job, or says how it is changed", () => {
  const silent = files.flatMap(({ name, text }) => {
    const service = parseDocument(text).toJS() as CatalogService;
    const offered = JSON.stringify([service.wiring, ...(service.flavours ?? []).map(({ wiring }) => wiring)]);
    return (
      (service.settings ?? [])
        .filter((setting) => setting.type === 'secret' && /role/.test(setting.help) && !setting.rotate)
        .map((setting) => `${service.id}_${setting.name}`.toUpperCase().replaceAll('-', '_'))
        // The role gis is the database's own, which its job sets with the others.
        .filter((variable) => variable !== 'POSTGIS_GIS_PASSWORD')
        .filter((variable) => !offered.includes(`"password":"${variable}"`))
        .map((variable) => `${name}: ${variable}`)
    );
  });
  expect(silent).toEqual([]);
});

test('a database server may have a process for every connection that its settings allow', () => {
  const checked = files.flatMap(({ name, text }) => {
    const service = parseDocument(text).toJS() as CatalogService;
    const most = service.settings?.find((setting) => setting.name === 'max_connections')?.maximum;
    if (most === undefined) return [];
    return [service, ...(service.flavours ?? [])].flatMap(({ compose }) =>
      Object.entries(compose?.services ?? {})
        .filter(([, container]) => JSON.stringify(container).includes('settings.max_connections'))
        .map(([container, { deploy }]) => ({
          container: `${name}: ${container}`,
          enough:
            Number(
              (deploy as { resources?: { limits?: { pids?: number } } } | undefined)?.resources?.limits
                ?.pids ?? 512,
            ) > most,
        })),
    );
  });
  expect(checked.length).toBeGreaterThan(1);
  expect(checked.filter(({ enough }) => !enough)).toEqual([]);
});

test.each(files.filter(({ text }) => /^ *trusts:/m.test(text)).map(({ name, text }) => [name, text]))(
  '%s says where it was read which request headers its program trusts',
  (_name, text) => {
    const stated = [...text.matchAll(/^( *)trusts:/gm)];
    for (const { index } of stated) {
      const before = text.slice(0, index).trimEnd().split('\n');
      const comment = before.slice(before.findLastIndex((line) => !/^ *#/.test(line)) + 1).join(' ');
      expect(comment).toMatch(/# Headers: (?:\S*[\w.-]+\/[\w.-]+:\S+|files alone|.*https:\/\/\S+)/);
    }
  },
);
