import type { Catalog } from '../../catalog/service.js';
import type { Answers, DomainAnswer } from './answers.js';
import { nearest } from './near.js';
import { ProblemError, type Problem } from './problem.js';

/** The answers with more services. A service that is there already changes nothing. */
export function addServices(answers: Answers, ids: string[], catalog: Catalog): Answers {
  refuseUnknown(ids, catalog);
  const chosen = ids.filter((id) => catalog.get(id)?.always !== true);
  return { ...answers, services: [...new Set([...answers.services, ...chosen])] };
}

/**
 * The answers without some services, and without what was said of them alone: settings, published ports, their places on
 * domains. Throws a ProblemError where a service is not there, is always there, or is needed by one that stays.
 */
export function removeServices(answers: Answers, ids: string[], catalog: Catalog): Answers {
  refuseUnknown(ids, catalog);
  const gone = new Set(ids);
  const staying = answers.services.filter((id) => !gone.has(id));
  const problems: Problem[] = [];
  for (const id of gone) {
    const needed = staying.find((other) => needsOf(other, catalog).has(id));
    if (catalog.get(id)?.always === true) problems.push({ message: `${id} is part of every stack` });
    else if (needed !== undefined)
      problems.push({ message: `${id}: ${needed} needs it`, remedy: `Remove ${needed} too.` });
    else if (!answers.services.includes(id))
      problems.push({
        message: `${id} is not in this stack`,
        remedy: `There are: ${answers.services.join(', ')}.`,
      });
  }
  if (problems.length > 0) throw new ProblemError(problems);
  return { ...withoutPlaces(answers, ids, catalog), services: staying };
}

/** The answers without what was said of some services alone: settings, published ports, their places on domains. */
export function withoutPlaces<T extends Partial<Answers>>(answers: T, ids: string[], catalog: Catalog): T {
  const gone = new Set(ids);
  const staying = (answers.services ?? []).filter((id) => !gone.has(id));
  const left = new Set(staying.flatMap((id) => [id, ...needsOf(id, catalog)]));
  const ports = [...catalog.values()]
    .filter(({ id }) => gone.has(id) && !left.has(id))
    .flatMap((service) => service.ports ?? []);
  const keep = <V>(record: Record<string, V>, dropped: (key: string) => boolean): Record<string, V> =>
    Object.fromEntries(Object.entries(record).filter(([key]) => !dropped(key)));
  const { domains, expose, settings } = answers;
  return {
    ...answers,
    ...(domains && { domains: domains.map((domain) => withoutServices(domain, gone)) }),
    ...(expose && { expose: keep(expose, (name) => ports.some((port) => port.name === name)) }),
    ...(settings && { settings: keep(settings, (id) => gone.has(id) && !left.has(id)) }),
  };
}

function withoutServices({ owner, services, ...domain }: DomainAnswer, gone: Set<string>): DomainAnswer {
  const staying = services?.filter((id) => !gone.has(id)) ?? [];
  return {
    ...domain,
    ...(owner === undefined || gone.has(owner) ? {} : { owner }),
    ...(staying.length > 0 ? { services: staying } : {}),
  };
}

/** All that a service needs, by way of others too. */
function needsOf(id: string, catalog: Catalog, seen = new Set<string>()): Set<string> {
  for (const need of catalog.get(id)?.needs ?? []) {
    if (seen.has(need)) continue;
    seen.add(need);
    needsOf(need, catalog, seen);
  }
  return seen;
}

function refuseUnknown(ids: string[], catalog: Catalog): void {
  const problems = ids
    .filter((id) => !catalog.has(id))
    .map((id): Problem => {
      const near = nearest(id, [...catalog.keys()]);
      return {
        message: `there is no service '${id}'`,
        remedy: near.length > 0 ? `Did you mean ${near.join(' or ')}?` : "'create-osgs list' shows all.",
      };
    });
  if (problems.length > 0) throw new ProblemError(problems);
}
