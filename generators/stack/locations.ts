import type { ResolvedRoute } from './stack.js';

/** A `location` of nginx that hands requests of a route to its upstream. */
export interface Location {
  /** What stands after the word `location`. */
  match: string;
  /** The gate is asked before a request passes. */
  guarded: boolean;
  /** The route is protected, but this part of it is open for programs that have no session. */
  open: boolean;
  /**
   * The upstream gets the path in the form in which nginx judged it: decoded, without repeated slashes. A program may read
   * the raw form differently (`//assets/x` as the path `/x` of the host `assets`), so the raw form is not sent where another
   * location of the same upstream is judged differently.
   */
  normalised: boolean;
  /**
   * A regular expression, to be compared without case: paths that nginx takes for this location, and that a program that
   * ignores case or path parameters takes for a location that is guarded or refused.
   */
  refused?: string;
}

/** The locations of a route, as the template of its file prints them. */
export interface RouteLocations {
  /** The path without its slash at the end; empty at the root. */
  bare: string;
  gated: boolean;
  /** Prefixes of paths that are refused. */
  denied: string[];
  locations: Location[];
  /** A body of this route may be larger than what nginx may keep in memory, where its temporary files are. */
  large: boolean;
}

/** A prefix of paths and how a request for it is judged. */
interface Judged {
  prefix: string;
  /** Only this path, not what begins with it. */
  exact: boolean;
  judgement: 'open' | 'guarded' | 'denied';
}

const strictness = ['open', 'guarded', 'denied'];

/** Text as a regular expression. */
export const quoteRegex = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

const bareOf = ({ path }: ResolvedRoute): string => path.replace(/\/$/, '');

/** All that nginx judges of a route, in the order in which the locations are printed. */
function judgedOf(route: ResolvedRoute): Judged[] {
  const { definition: d, path } = route;
  const own = route.access === 'protected' ? 'guarded' : 'open';
  const bare = bareOf(route);
  const prefixed = (part: string, judgement: Judged['judgement']): Judged[] =>
    part.endsWith('/')
      ? [{ prefix: `${path}${part}`, exact: false, judgement }]
      : [
          { prefix: `${path}${part}`, exact: true, judgement },
          { prefix: `${path}${part}/`, exact: false, judgement },
        ];
  return [
    ...(d.deny ?? []).map((part): Judged => ({
      prefix: `${path}${part}`,
      exact: false,
      judgement: 'denied',
    })),
    { prefix: path, exact: false, judgement: own },
    ...(bare !== '' && d.slash === 'optional'
      ? [{ prefix: bare, exact: true, judgement: own } satisfies Judged]
      : []),
    ...(own === 'guarded' ? (d.open ?? []).flatMap((part) => prefixed(part, 'open')) : []),
  ];
}

/** A public path of a route as its upstream sees it. */
function atUpstream(route: ResolvedRoute, path: string): string {
  return route.definition.prefix === 'strip' ? path.replace(bareOf(route), '') || '/' : path;
}

/** The path of an upstream as a public path of the route. */
function atRoute(route: ResolvedRoute, path: string): string {
  return route.definition.prefix === 'strip' ? `${bareOf(route)}${path}` : path;
}

/** Matches the prefix in any case, also where its segments carry parameters (`/admin;x=1/`). */
function lenient(prefix: string): string {
  const parameters = '(;[^/]*)?';
  const text = quoteRegex(prefix.replace(/\/$/, '')).replace(/(?<=.)\//g, `${parameters}/`);
  return `^${text}${prefix.endsWith('/') ? `${parameters}(/|$)` : ''}`;
}

/** Prefixes within a location that are judged more strictly than it, by any route of the same upstream. */
function strictWithin(route: ResolvedRoute, within: Judged, routes: ResolvedRoute[]): string[] {
  if (within.exact) return [];
  const start = atUpstream(route, within.prefix);
  const found = routes
    .filter(({ definition }) => definition.upstream === route.definition.upstream)
    .flatMap((other) =>
      judgedOf(other)
        .filter(({ judgement }) => strictness.indexOf(judgement) > strictness.indexOf(within.judgement))
        .map(({ prefix }) => atUpstream(other, prefix)),
    )
    .filter((path) => path.startsWith(start) && path !== start);
  return [...new Set(found)].map((path) => lenient(atRoute(route, path)));
}

/**
 * Decides how nginx serves a route: which locations there are, which of them the gate guards, and what each refuses and
 * sends on so that a path is judged and forwarded in the same form. `routes` are all routes of the stack.
 */
export function routeLocations(route: ResolvedRoute, routes: ResolvedRoute[]): RouteLocations {
  const { definition: d } = route;
  const gated = route.access === 'protected';
  const judged = judgedOf(route);
  const sameUpstream = routes
    .filter(({ definition }) => definition.upstream === d.upstream)
    .flatMap(judgedOf);
  const mixed = new Set(sameUpstream.map(({ judgement }) => judgement)).size > 1;
  const [, size = '0', unit = ''] = /^([0-9]+)([kmg]?)$/.exec(d.body_size ?? '1m') ?? [];
  return {
    bare: bareOf(route),
    gated,
    denied: judged.filter(({ judgement }) => judgement === 'denied').map(({ prefix }) => prefix),
    locations: judged
      .filter(({ judgement }) => judgement !== 'denied')
      .map((one) => {
        const { prefix, exact, judgement } = one;
        const guarded = judgement === 'guarded';
        const open = gated && !guarded;
        const strict = strictWithin(route, one, routes);
        return {
          match: exact ? `= ${prefix}` : open ? `^~ ${prefix}` : prefix,
          guarded,
          open,
          normalised: mixed && !guarded && d.prefix !== 'strip',
          ...(strict.length > 0 ? { refused: strict.join('|') } : {}),
        };
      }),
    large: size === '0' || unit === 'g' || (unit === 'm' && Number(size) > 20),
  };
}
