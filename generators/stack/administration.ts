import type { Catalog, CatalogService, Route } from '../../catalog/service.js';
import type { Answers, DomainAnswer } from './answers.js';
import { isPublicName } from './host.js';
import type { Locate, Problem } from './problem.js';
import type { Site, Stack } from './stack.js';

/** Whether nginx's question is all that stands before a route with which a service is administered. */
const unguarded = ({ administers, access }: Route): boolean =>
  administers !== undefined && access === 'protected';

/** Refuses answers that open administration pages without a login of their own to everybody. */
export function refuseOpenAdministration(
  answers: Answers,
  services: CatalogService[],
  problems: Problem[],
  locate: Locate,
): void {
  for (const { id, title, routes = [] } of services) {
    const open = routes.some((route) => unguarded(route) && route.administers === 'all');
    if (answers.settings[id]?.access !== 'public' || !open) continue;
    problems.push(
      locate(
        ['settings', id, 'access'],
        `'${id}.access' cannot be public: these pages administer, and ${title} has no login of its own before them`,
        'Take the setting out.',
      ),
    );
  }
}

/** What the owner of a stack should know before it is made, and whenever they ask whether it is in order. */
export function stackWarnings(stack: Stack): string[] {
  const warnings: string[] = [];
  for (const { service, definition, access, url } of stack.sites.flatMap((site) => site.routes))
    if (unguarded(definition) && access === 'public')
      warnings.push(
        `${service.title} is administered at ${url}, and nginx lets everybody in: settings ${service.id}.access. ` +
          'Its own login is all that protects it, once its first account exists.',
      );
  if (isBlindToClients(stack))
    warnings.push(
      'All visitors share one limit of requests, and the log knows one client only: the proxy in front is not named. ' +
        'Set nginx.trusted_proxies to its address.',
    );
  return warnings;
}

/** Whether visitors come through another proxy that nginx does not know. */
function isBlindToClients({ tls, scheme, settings }: Stack): boolean {
  const proxies = settings.find(
    ({ service, definition }) => service.always === true && definition.name === 'trusted_proxies',
  );
  return tls === 'off' && scheme === 'https' && (proxies?.value ?? '') === '';
}

/** The services of a site whose pages do nothing but administer, where the site has other pages beside them. */
export function administrationBeside({ routes }: Pick<Site, 'routes'>): CatalogService[] {
  const services = [...new Set(routes.map(({ service }) => service))];
  const administers = services.filter(onlyAdministers);
  return administers.length < services.length ? administers : [];
}

/**
 * A domain for the administration pages of the chosen services, where there is but one domain, with a public name, and
 * other pages on it. Undefined where nothing is to be separated.
 */
export function proposeAdministration(
  { services = [], domains = [] }: Partial<Answers>,
  catalog: Catalog,
): DomainAnswer | undefined {
  const primary = domains[0];
  const shared = domains.filter(({ owner }) => owner === undefined);
  if (!primary || shared.length !== 1 || shared[0] !== primary || !isPublicName(primary.host))
    return undefined;
  const owners = new Set(domains.flatMap(({ owner }) => owner ?? []));
  const here = services
    .filter((id) => !owners.has(id))
    .flatMap((id) => catalog.get(id) ?? [])
    .filter(({ routes = [] }) => routes.length > 0);
  const apart = here.filter(onlyAdministers).filter(({ routes = [] }) => routes.every(({ path }) => path));
  const host = `admin.${primary.host}`;
  if (apart.length === 0 || apart.length === here.length || domains.some((domain) => domain.host === host))
    return undefined;
  return { host, services: apart.map(({ id }) => id) };
}

function onlyAdministers({ routes = [] }: CatalogService): boolean {
  return routes.some(({ administers }) => administers === 'all');
}
