import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { firstOwnNumber } from '../generators/stack/subnets.js';
import { loadCatalog } from './load.js';
import { packageRoot } from './root.js';
import type { Catalog } from './service.js';
import { variations } from './variations.js';

/** The names of all networks that the services of the catalogue can make, in order. */
export function networkNames(catalog: Catalog): string[] {
  const names = variations(catalog).flatMap(({ networks }) => networks.map(({ name }) => name));
  // No variation publishes ports beside nginx's.
  for (const { id, ports } of catalog.values()) if (ports) names.push(`${id}_in`);
  return [...new Set(names)].sort();
}

/** The text of `catalog/networks.yaml` with the networks that it does not name yet. Those that it names keep their numbers. */
export function numberNetworks(catalog: Catalog, text: string): string {
  const numbers = catalog.networks ?? new Map<string, number>();
  const missing = networkNames(catalog).filter((name) => !numbers.has(name));
  let next = Math.max(-1, ...numbers.values()) + 1;
  const added = missing.map((name): [string, number] => [name, next++]);
  if (next > firstOwnNumber)
    throw new Error(`catalog/networks.yaml: no number below ${firstOwnNumber} is left`);
  return added.length > 0 ? text + stringify(Object.fromEntries(added)) : text;
}

/** Adds what is missing to the file. */
function main(): void {
  const file = join(packageRoot(), 'catalog/networks.yaml');
  writeFileSync(file, numberNetworks(loadCatalog(), readFileSync(file, 'utf8')));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
