import type { CatalogService, Route, Service } from '../../catalog/service.js';
import type { Answers } from './answers.js';
import { normalizeHost } from './host.js';
import { nearest } from './near.js';
import { routeAccess } from './access.js';
import type { Locate, Problem } from './problem.js';
import type { ResolvedRoute, Site, Stack } from './stack.js';

/** Paths that every site keeps for itself. */
const reserved = ['/portal/', '/.well-known/'];

type Base = Pick<Stack, 'services' | 'scheme' | 'httpPort' | 'httpsPort'>;

/** Places every route on a domain, and says what stands at the root of each. */
export function resolveSites(answers: Answers, base: Base, problems: Problem[], locate: Locate): Site[] {
  const before = problems.length;
  const sites = readHosts(answers, problems, locate);
  const primary = sites[0];
  if (!primary || problems.length > before) return [];
  const placed = readPlacements(answers, base.services, problems, locate);

  for (const service of base.services) {
    for (const definition of service.routes ?? []) {
      const place = placed.get(service.id);
      const site = sites[place?.domain ?? 0] ?? primary;
      const home = definition.home === true && !place && answers.domains[0]?.owner === undefined;
      const owns = place?.owns === true || home;
      const problem = (message: string, remedy?: string): void => {
        problems.push(
          locate(place?.path ?? ['services', answers.services.indexOf(service.id)], message, remedy),
        );
      };
      if (owns && definition.own === 'no') {
        problem(`'${service.id}' cannot own a domain`, `Reach it by path: --domain ${site.host}.`);
        continue;
      }
      if (!owns && definition.path === undefined) {
        problem(
          `'${service.id}' works on a domain of its own only`,
          `Give it one: --domain ${service.id}.${primary.host}=${service.id}.`,
        );
        continue;
      }
      const path = routePath(service, definition, owns, answers, problems, locate);
      const url = `${siteUrl(site.host, base)}${path}`;
      site.routes.push({
        id: definition.name ? `${service.id}-${definition.name}` : service.id,
        service,
        title: definition.title ?? service.title,
        definition,
        host: site.host,
        path,
        owns,
        url,
        base: url.replace(/\/$/, ''),
        entryUrl: url + (definition.entry ?? ''),
        access: routeAccess(answers, service, definition),
      });
    }
  }
  for (const site of sites) finishSite(site, problems, locate, answers);
  return sites;
}

/** Whether a service works on a domain of its own only. */
export function needsDomain(service: Pick<Service, 'routes'> | undefined): boolean {
  return service?.routes?.some(({ path, home }) => path === undefined && !home) ?? false;
}

/** `https://host` or `https://host:port`. */
export function siteUrl(host: string, base: Pick<Stack, 'scheme' | 'httpPort' | 'httpsPort'>): string {
  return `${base.scheme}://${publicHost(host, base)}`;
}

/** The host with its port, where that is not the scheme's own. */
export function publicHost(host: string, base: Pick<Stack, 'scheme' | 'httpPort' | 'httpsPort'>): string {
  const [port, usual] = base.scheme === 'https' ? [base.httpsPort, 443] : [base.httpPort, 80];
  return port === usual ? host : `${host}:${port}`;
}

function readHosts(answers: Answers, problems: Problem[], locate: Locate): Site[] {
  const seen = new Map<string, string>();
  const read = (text: string, path: (string | number)[]): string => {
    const host = normalizeHost(text);
    if (host === undefined) {
      problems.push(
        locate(
          path,
          `'${text}' is not a host name`,
          'Give a name such as gis.example.org, without https:// and without a path.',
        ),
      );
      return text;
    }
    if (seen.has(host))
      problems.push(locate(path, `the host name '${host}' is given twice`, 'Give each host name once.'));
    seen.set(host, text);
    return host;
  };
  return answers.domains.map((domain, index) => ({
    host: read(domain.host, ['domains', index, 'host']),
    aliases: (domain.aliases ?? []).map((alias, number) =>
      read(alias, ['domains', index, 'aliases', number]),
    ),
    primary: index === 0,
    routes: [],
    root: 'portal',
  }));
}

interface Placement {
  domain: number;
  owns: boolean;
  path: (string | number)[];
}

function readPlacements(
  answers: Answers,
  services: CatalogService[],
  problems: Problem[],
  locate: Locate,
): Map<string, Placement> {
  const placed = new Map<string, Placement>();
  const place = (id: string, placement: Placement): void => {
    const service = services.find((candidate) => candidate.id === id);
    if (!service) {
      const near = nearest(
        id,
        services.map((candidate) => candidate.id),
      );
      problems.push(
        locate(
          placement.path,
          `a domain names the service '${id}', which is not in this stack`,
          near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `Add it: --services …,${id}.`,
        ),
      );
    } else if (!service.routes?.length) {
      problems.push(
        locate(
          placement.path,
          `'${id}' has no web address and cannot be on a domain`,
          'Take it out of the domain.',
        ),
      );
    } else if (placed.has(id)) {
      problems.push(locate(placement.path, `'${id}' is placed on two domains`, 'Name it once.'));
    } else placed.set(id, placement);
  };
  answers.domains.forEach((domain, index) => {
    if (domain.owner !== undefined)
      place(domain.owner, { domain: index, owns: true, path: ['domains', index, 'owner'] });
    (domain.services ?? []).forEach((id, number) =>
      place(id, { domain: index, owns: false, path: ['domains', index, 'services', number] }),
    );
  });
  return placed;
}

function routePath(
  service: CatalogService,
  definition: Route,
  owns: boolean,
  answers: Answers,
  problems: Problem[],
  locate: Locate,
): string {
  const given = answers.settings[service.id]?.path;
  if (given !== undefined && !definition.name) {
    const at = ['settings', service.id, 'path'];
    if (definition.paths !== 'free')
      problems.push(
        locate(
          at,
          `'${service.id}' is reached at ${definition.path ?? '/'} and nowhere else`,
          'Take the setting out.',
        ),
      );
    else if (typeof given !== 'string' || !/^\/([A-Za-z0-9._~-]+\/)+$/.test(given))
      problems.push(
        locate(
          at,
          `'${String(given)}' is not a path for '${service.id}'`,
          'Give a path such as /maps/, with a slash at both ends.',
        ),
      );
    else if (!owns) return given;
  }
  return owns && definition.own === 'root' ? '/' : (definition.path ?? '/');
}

function finishSite(site: Site, problems: Problem[], locate: Locate, answers: Answers): void {
  const byPath = new Map<string, ResolvedRoute>();
  for (const route of site.routes) {
    const other = byPath.get(route.path);
    if (other) {
      const at =
        answers.settings[route.service.id]?.path === undefined
          ? ['services', answers.services.indexOf(route.service.id)]
          : ['settings', route.service.id, 'path'];
      problems.push(
        locate(
          at,
          `'${other.id}' and '${route.id}' are both at ${site.host}${route.path}`,
          `Give one of them a domain of its own (--domain HOST=${route.service.id}) or another path (--set ${route.service.id}.path=/…/).`,
        ),
      );
    }
    if (reserved.some((path) => route.path.startsWith(path))) {
      problems.push(
        locate(
          ['settings', route.service.id, 'path'],
          `'${route.id}' cannot be at ${route.path}: the site keeps that path for itself`,
          'Choose another path.',
        ),
      );
    }
    byPath.set(route.path, route);
  }
  const owner = site.routes.find((route) => route.owns && route.path !== '/');
  if (byPath.has('/')) site.root = 'route';
  else if (owner) site.root = { redirect: owner };
}
