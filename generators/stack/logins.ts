import type { Login } from '../../catalog/service.js';
import { quoteRegex } from './locations.js';
import type { ResolvedRoute, Stack } from './stack.js';

/** The logins of a route, and that of nginx itself, where it asks for the password of a protected route. */
function allLogins({ definition, access }: ResolvedRoute, gate: Stack['gate']): Login[] {
  const own = definition.logins ?? [];
  return access === 'protected' && gate === 'basic' ? [...own, { path: '', credentials: 'basic' }] : own;
}

/**
 * Regular expressions for nginx's map over `METHOD:HOST PATH` without the space, where PATH is normalised: percent-encoded
 * characters are decoded and double slashes are one. A service may drop `;x=y` from each part of a path, so these are
 * allowed for, and case does not count.
 */
export function loginPatterns(
  routes: ResolvedRoute[],
  credentials?: Login['credentials'],
  gate?: Stack['gate'],
): string[] {
  const patterns = routes.flatMap((route) =>
    allLogins(route, gate)
      .filter((login) => login.credentials === credentials)
      .map(({ path, methods = credentials === 'basic' ? [] : ['POST'] }) => {
        const method = methods.length > 0 ? `(${methods.join('|')})` : '[A-Z]+';
        const whole = (route.path + path).replace(/\/$/, '');
        return `~*^${method}:${quoteRegex(route.host)}${pathPattern(whole)}($|[/;])`;
      }),
  );
  return [...new Set(patterns)].sort();
}

/** Methods that no login uses: requests with them need no comparison with the patterns. */
export function methodsWithoutLogin(routes: ResolvedRoute[]): string[] {
  const used = new Set(
    routes.flatMap(({ definition }) => (definition.logins ?? []).flatMap((it) => it.methods ?? [])),
  );
  return ['GET', 'HEAD', 'OPTIONS'].filter((method) => !used.has(method));
}

function pathPattern(path: string): string {
  return path
    .split('/')
    .map((part) => (part === '*' ? '[^/]+' : quoteRegex(part)))
    .join('(;[^/]*)?/');
}
