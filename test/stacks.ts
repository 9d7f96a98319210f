import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Catalog } from '../catalog/service.js';
import type { Answers, DomainAnswer } from '../generators/stack/answers.js';
import { completeEnv } from '../generators/stack/env.js';
import { render, type Rendered, type Template } from '../generators/stack/render.js';
import { resolve } from '../generators/stack/resolve.js';
import { needsDomain } from '../generators/stack/sites.js';
import type { Stack } from '../generators/stack/stack.js';
import { emptyFolder } from './run.js';

/** The services that a person may choose. */
export function choosable(catalog: Catalog): string[] {
  return [...catalog.values()].filter(({ always }) => !always).map(({ id }) => id);
}

/** The services and all that they need. */
export function withNeeds(ids: string[], catalog: Catalog): string[] {
  const all = [...ids];
  for (const id of all)
    for (const need of catalog.get(id)?.needs ?? []) if (!all.includes(need)) all.push(need);
  return all;
}

/** The services without those that cannot be in one stack with an earlier one. */
export function compatible(ids: string[], catalog: Catalog): string[] {
  const kept: string[] = [];
  const clash = (a: string, b: string): boolean =>
    (catalog.get(a)?.conflicts?.includes(b) ?? false) ||
    (catalog.get(a)?.gate !== undefined && catalog.get(b)?.gate !== undefined);
  for (const id of ids) if (!kept.some((other) => clash(id, other) || clash(other, id))) kept.push(id);
  return kept;
}

/** One domain for all, and one of its own for each of the owners. */
export function domainsOf(owners: string[]): DomainAnswer[] {
  return [{ host: 'gis.example.org' }, ...owners.map((owner) => ({ host: `${owner}.example.net`, owner }))];
}

/** One domain for all, and one of its own for each service that must have one. */
export function domainsFor(ids: string[], catalog: Catalog): DomainAnswer[] {
  return domainsOf(withNeeds(ids, catalog).filter((id) => needsDomain(catalog.get(id))));
}

/** The flags that say `domainsFor`. */
export function domainFlags(ids: string[], catalog: Catalog): string[] {
  return domainsFor(ids, catalog).map(
    ({ host, owner }) => `--domain=${host}${owner === undefined ? '' : `=${owner}`}`,
  );
}

/** A stack and its files, without a generator. Throws where the answers are wrong. */
export function makeStack(
  answers: Answers,
  catalog: Catalog,
  templates: Template[],
): { stack: Stack; rendered: Rendered } {
  const resolved = resolve(answers, catalog);
  if ('problems' in resolved) throw new Error(resolved.problems.map(({ message }) => message).join('; '));
  return { stack: resolved.stack, rendered: render(resolved.stack, templates) };
}

/** Writes an emitted repository without going through a generator. */
export function writeRepository({ files, env }: Pick<Rendered, 'files' | 'env'>): string {
  const folder = emptyFolder();
  for (const [path, { content, mode }] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content, { mode });
  }
  writeFileSync(join(folder, '.env'), completeEnv(undefined, env), { mode: 0o600 });
  return folder;
}

/** The first lines of a made-up service's file: what every one must say, and no test asks about. */
export function madeUpHead(id: string, category: string, summary: string): string {
  return `id: ${id}
title: ${id[0]?.toUpperCase() ?? ''}${id.slice(1)}
category: ${category}
summary: ${summary}
homepage: https://example.org
docs: https://example.org
source: https://example.org
issues: https://example.org
license: MIT
maturity: stable
`;
}
