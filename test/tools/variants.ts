import type { Catalog } from '../../catalog/service.js';
import type { Answers } from '../../generators/stack/answers.js';
import { needsDomain } from '../../generators/stack/sites.js';
import type { ResolvedRoute } from '../../generators/stack/stack.js';
import { choosable, compatible, domainsOf } from '../stacks.js';

/** Whole selections in which every route of the catalogue, and of every flavour, occurs by path and on its own domain. */
export const variants: { name: string; tls: Answers['tls']; own: boolean; gate: boolean; flavour: number }[] =
  [
    { name: 'by path, TLS off, passwords', tls: 'off', own: false, gate: false, flavour: 0 },
    {
      name: 'on domains of their own, self-signed, passwords',
      tls: 'self-signed',
      own: true,
      gate: false,
      flavour: 1,
    },
    { name: 'by path, self-signed, single sign-on', tls: 'self-signed', own: false, gate: true, flavour: 2 },
    { name: 'by path, TLS off, other packagings', tls: 'off', own: false, gate: false, flavour: 3 },
  ];

/** The answers that make such a selection of the catalogue. */
export function answersOf({ tls, own, gate, flavour }: (typeof variants)[number], catalog: Catalog): Answers {
  const services = compatible(choosable(catalog), catalog).filter((id) => gate || !catalog.get(id)?.gate);
  // One that is open in the catalogue, and closed by the owner.
  const settings: Answers['settings'] = { martin: { access: 'protected' } };
  for (const { id, flavours = [] } of catalog.values()) {
    const chosen = flavours[flavour - 1];
    if (chosen && services.includes(id)) settings[id] = { ...settings[id], flavour: chosen.id };
  }
  const owners = services.filter((id) => {
    const service = catalog.get(id);
    const chosen = service?.flavours?.find((other) => other.id === settings[id]?.flavour);
    const routes = chosen?.routes ?? service?.routes ?? [];
    return (
      needsDomain({ routes }) || (own && routes.length > 0 && routes.every((route) => route.own !== 'no'))
    );
  });
  return { name: 'doors', services, domains: domainsOf(owners), tls, expose: {}, settings };
}

/** A path and query below a route, or what exists there instead where only some paths do. */
export function existing(route: ResolvedRoute, rest: string): string {
  if (route.definition.only === undefined) return rest;
  const { pathname } = new URL(route.entryUrl);
  return pathname.slice(route.path.length) + rest.replace(/^[^?]*/, '');
}

/** A method with a body that a route lets through; absent where it takes none. */
export function methodWithBody({ definition: { methods } }: ResolvedRoute): string | undefined {
  return methods ? methods.find((method) => method === 'POST' || method === 'PUT') : 'POST';
}
