import type { Catalog } from '../catalog/service.js';
import type { DomainAnswer } from '../generators/stack/answers.js';

/** Whether a service works on a domain of its own only. */
export function needsDomain(id: string, catalog: Catalog): boolean {
  return catalog.get(id)?.routes?.some(({ path, home }) => path === undefined && !home) ?? false;
}

/** The services and all that they need. */
export function withNeeds(ids: string[], catalog: Catalog): string[] {
  const all = [...ids];
  for (const id of all)
    for (const need of catalog.get(id)?.needs ?? []) if (!all.includes(need)) all.push(need);
  return all;
}

/** One domain for all, and one of its own for each service that must have one. */
export function domainsFor(ids: string[], catalog: Catalog): DomainAnswer[] {
  const owners = withNeeds(ids, catalog).filter((id) => needsDomain(id, catalog));
  return [{ host: 'gis.example.org' }, ...owners.map((owner) => ({ host: `${owner}.example.net`, owner }))];
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
