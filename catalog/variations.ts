import type { Answers } from '../generators/stack/answers.js';
import { buildCompose, type ComposeModel } from '../generators/stack/compose.js';
import { resolve } from '../generators/stack/resolve.js';
import { needsDomain } from '../generators/stack/sites.js';
import type { Stack } from '../generators/stack/stack.js';
import { tlsModes, type TlsMode } from '../generators/stack/tls.js';
import { makeView } from '../generators/stack/view.js';
import type { Catalog, CatalogService } from './service.js';

/** A stack of the catalogue with its containers, and what is particular about it. */
export interface Variation {
  what: string;
  stack: Stack;
  containers: ComposeModel['containers'];
  networks: ComposeModel['networks'];
}

type Settings = Answers['settings'];

/** Services that can be in one stack, those of `first` before the others. */
function together(
  catalog: Catalog,
  first: string[],
  without: (service: CatalogService) => boolean,
): string[] {
  const kept: CatalogService[] = [];
  const clash = (a: CatalogService, b: CatalogService): boolean =>
    (a.conflicts?.includes(b.id) ?? false) || (a.gate !== undefined && b.gate !== undefined);
  const wanted = [...first.flatMap((id) => catalog.get(id) ?? []), ...catalog.values()];
  for (const service of new Set(wanted))
    if (
      !service.always &&
      !without(service) &&
      !kept.some((other) => clash(service, other) || clash(other, service))
    )
      kept.push(service);
  return kept.map(({ id }) => id);
}

/** The service with all that it needs. */
function withNeeds(id: string, catalog: Catalog): string[] {
  const all = [id];
  for (const one of all)
    for (const need of catalog.get(one)?.needs ?? []) if (!all.includes(need)) all.push(need);
  return all;
}

function make(
  what: string,
  services: string[],
  tls: TlsMode,
  settings: Settings,
  catalog: Catalog,
): Variation {
  const owners = services.filter((id) => needsDomain(catalog.get(id)));
  const answers: Answers = {
    name: 'all',
    services,
    domains: [
      { host: 'gis.example.org' },
      ...owners.map((owner) => ({ host: `${owner}.example.net`, owner })),
    ],
    tls,
    email: 'gis@example.org',
    expose: {},
    settings,
  };
  const resolved = resolve(answers, catalog);
  if ('problems' in resolved)
    throw new Error(`${what}: ${resolved.problems.map(({ message }) => message).join('; ')}`);
  const { containers, networks } = buildCompose(makeView(resolved.stack));
  return { what, stack: resolved.stack, containers, networks };
}

/** Every choice of every setting is in one of these, and what is on by default is off, what is off on. */
function settingsWith(turn: number, services: string[], catalog: Catalog): Settings {
  const of = (id: string): [string, string | boolean][] =>
    (catalog.get(id)?.settings ?? []).flatMap((setting): [string, string | boolean][] => {
      const { name, type, choices = [] } = setting;
      if (type === 'boolean') return [[name, !setting.default]];
      return type === 'choice' ? [[name, choices[turn % choices.length] ?? '']] : [];
    });
  return Object.fromEntries(services.map((id) => [id, Object.fromEntries(of(id))]));
}

/**
 * Stacks in which every container of the catalogue is, in every packaging and with all that other services add to it: the
 * first one is of every service that can be with the others, with its default settings.
 */
export function variations(catalog: Catalog): Variation[] {
  const none = (): boolean => false;
  const all = together(catalog, [], none);
  const made = tlsModes
    .toSorted((a, b) => Number(b === 'self-signed') - Number(a === 'self-signed'))
    .map((tls) => make(`all services, ${tls}`, all, tls, {}, catalog));
  for (const { id, always } of catalog.values())
    if (!always && !all.includes(id))
      made.push(make(`with ${id}`, together(catalog, [id], none), 'self-signed', {}, catalog));
  const open = together(catalog, [], ({ gate }) => gate !== undefined);
  made.push(make('without single sign-on', open, 'self-signed', {}, catalog));
  const turns = Math.max(
    ...[...catalog.values()].flatMap(({ settings = [] }) =>
      settings.map(({ choices = [] }) => choices.length),
    ),
  );
  for (let turn = 0; turn < turns; turn += 1)
    made.push(make(`choices ${turn + 1}`, open, 'self-signed', settingsWith(turn, open, catalog), catalog));
  for (const { id, always } of catalog.values())
    if (!always) made.push(make(`${id} alone`, withNeeds(id, catalog), 'off', {}, catalog));
  return made;
}
