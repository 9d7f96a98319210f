import type { CatalogService } from '../../catalog/service.js';
import { applies } from './conditions.js';
import { fillAll, serviceView, type View } from './view.js';

/** One container opens connections to another one, or to others of its own name. */
export interface Connection {
  from: string;
  to: string;
}

/**
 * Every connection between containers of the stack: what `connects` declares, and what routes and the gate need.
 * Throws where a service file names a container that the stack does not have.
 */
export function connectionsOf(view: View, containers: ReadonlySet<string>): Connection[] {
  const { stack } = view;
  const found = new Map<string, Connection>();
  const add = (from: string, to: string, service: CatalogService): void => {
    for (const name of [from, to])
      if (!containers.has(name))
        throw new Error(`${service.file}: connects names '${name}', which is no container of this stack`);
    found.set(`${from} ${to}`, { from, to });
  };
  for (const service of stack.services) {
    const parts = [
      service.connects,
      ...(service.wiring ?? []).filter((part) => applies(part, service, stack)).map((part) => part.connects),
    ];
    const own = serviceView(view, service);
    for (const part of parts)
      for (const [from, servers] of Object.entries(part ?? {}))
        // A text that is filled in may give several names, or none.
        for (const to of servers.flatMap((text) =>
          fillAll(text, own, service.file).split(' ').filter(Boolean),
        ))
          add(from, to, service);
  }
  const front = stack.services.find(({ always }) => always === true);
  if (front) {
    for (const { definition, service } of view.routes)
      if (!definition.upstream.startsWith('volume:'))
        add(front.id, containerOf(definition.upstream), service);
    if (typeof stack.gate === 'object' && stack.gate.gate)
      add(front.id, containerOf(stack.gate.gate.upstream), stack.gate);
  }
  return [...found.values()].sort((a, b) => (`${a.from} ${a.to}` < `${b.from} ${b.to}` ? -1 : 1));
}

/** The name in `name:port`. */
function containerOf(place: string): string {
  return place.split(':')[0] ?? '';
}
