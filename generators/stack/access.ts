import type { CatalogService, Condition, Route } from '../../catalog/service.js';
import type { Answers } from './answers.js';
import type { Locate, Problem } from './problem.js';
import type { Stack } from './stack.js';

export { clearedHeaders } from './trusted-headers.js';

/** What a service's settings say of who may enter its routes, whatever the catalogue says. */
export const accessChoices = ['public', 'protected'];

/** Who may enter a route, by the answers or else by the catalogue. */
export function routeAccess(answers: Answers, service: CatalogService, route: Route): Route['access'] {
  const given = answers.settings[service.id]?.access;
  if (given === 'protected') return 'protected';
  // Where a service has a login of its own, 'public' means that nginx asks nothing besides.
  return given === 'public' && route.access === 'protected' ? 'public' : route.access;
}

/** The gate in the words of a condition. */
export function gateKind(gate: Stack['gate']): Condition['gate'] {
  return gate === 'basic' ? 'basic' : gate && 'service';
}

/** A service with a gate, where one was chosen; else nginx's own, where a route is protected. */
export function resolveGate(
  answers: Answers,
  services: CatalogService[],
  problems: Problem[],
  locate: Locate,
): Stack['gate'] {
  const [gate, other] = services.filter((service) => service.gate);
  if (gate && other)
    problems.push(
      locate(
        ['services'],
        `'${gate.id}' and '${other.id}' both decide who may enter, which one service must do`,
        'Choose one of them.',
      ),
    );
  if (gate) return gate;
  const guarded = services.some((service) =>
    service.routes?.some((route) => routeAccess(answers, service, route) === 'protected'),
  );
  return guarded ? 'basic' : undefined;
}
