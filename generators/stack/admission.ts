import type { Route } from '../../catalog/service.js';
import { applies } from './conditions.js';
import { quoteRegex } from './locations.js';
import type { ResolvedRoute, Stack } from './stack.js';

/** A condition of nginx under which a request is refused, and why. */
export interface Refusal {
  why: string;
  /** What stands between the brackets of nginx's `if`. */
  test: string;
  status: 403 | 404 | 405;
}

/**
 * What nginx refuses at a route before its service sees the request: paths, methods and parameters of the query. nginx reads
 * no bodies. A service that takes parameters from a body gets no POST, or looks at them itself.
 */
export function admission(route: ResolvedRoute, stack: Stack): Refusal[] {
  const { definition: d, path } = route;
  const refusals: Refusal[] = [];
  if (d.only !== undefined)
    refusals.push({
      why: 'No other path exists. It is compared decoded, so that no sign of a query can stand in it.',
      test: `$uri !~ "^${quoteRegex(path)}(${d.only})$"`,
      status: 404,
    });
  const methods = methodsOf(route, stack);
  if (methods)
    refusals.push({
      why: 'nginx reads no bodies, and parameters in one would count as those of the query do.',
      test: `$request_method !~ "^(${methods.join('|')})$"`,
      status: 405,
    });
  if (d.deny_query || d.query_values || d.query_max)
    refusals.push({
      why: 'Also refused: a name whose letters are percent-encoded, for the service would decode them.',
      test: `$args ~* "(^|&)(${[...(d.deny_query ?? []).map(nameRegex), encodedName].join('|')})(=|&|$)"`,
      status: 403,
    });
  for (const [name, value] of valuesOf(d))
    refusals.push({
      why: `Each ${name} has to be one that is allowed.`,
      test: `$args ~* "(^|&)${nameRegex(name)}(?!=(${value})(&|$))(=|&|$)"`,
      status: 403,
    });
  return refusals;
}

/** The methods that a route lets through; all where it does not say. */
function methodsOf({ definition, service }: ResolvedRoute, stack: Stack): string[] | undefined {
  return definition.methods?.flatMap((entry) =>
    typeof entry === 'string'
      ? [entry]
      : !entry.when || applies(entry.when, service, stack)
        ? [entry.method]
        : [],
  );
}

/** Regular expressions of values, by the name of the parameter. */
function valuesOf({ query_values = {}, query_max = {} }: Route): [string, string][] {
  return [
    ...Object.entries(query_values),
    ...Object.entries(query_max).map(([name, most]): [string, string] => [name, atMost(most)]),
  ];
}

/** A name in which a letter, a digit, an underscore, a control character or a percent sign is percent-encoded. */
const encodedName = '[^=&]*%(25|[01][0-9a-f]|3[0-9]|[4-7][0-9a-f])[^=&]*';

/** A name of a query's parameter, in which `*` stands for any text. */
const nameRegex = (name: string): string =>
  name.split('*').map(quoteRegex).join('[^=&]*').replaceAll(':', '(:|%3a)');

/** A regular expression of the decimal numbers from 0 to `most`, with or without a fraction, and of no number at all. */
export function atMost(most: number): string {
  const digits = String(most);
  const shorter = digits.length > 1 ? [`[0-9]{1,${digits.length - 1}}`] : [];
  const smaller = [...digits].flatMap((digit, at) => {
    const rest = digits.length - at - 1;
    return digit === '0' ? [] : [`${digits.slice(0, at)}[0-${Number(digit) - 1}]${'[0-9]'.repeat(rest)}`];
  });
  return `(0*((${[...shorter, ...smaller].join('|')})([.][0-9]*)?|${digits}([.]0*)?))?`;
}
