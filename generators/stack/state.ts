import type { CatalogService } from '../../catalog/service.js';
import type { ComposeModel, ContainerBlock } from './compose.js';
import type { Stack } from './stack.js';

/** What a service of this stack keeps, decided. Names are those of the Compose file. */
export type Kept = { service: CatalogService; note?: string } & (
  | { kind: 'server'; container: string; user: string; volume: string; clients: string[] }
  | { kind: 'database'; name: string; server: string; clients: string[] }
  | { kind: 'volume'; name: string; stop: boolean; writers: string[] }
  | { kind: 'folder'; name: string }
  | { kind: 'skip'; name: string; reason: string }
);

/** What is to be backed up and what is left out, in the order of the services. Every volume of the stack is among it. */
export function planState(stack: Stack, compose: ComposeModel): Kept[] {
  const kept: Kept[] = [];
  const named = new Set<string>();
  for (const service of stack.services) {
    for (const state of service.state ?? []) {
      const base = { service, ...(state.note === undefined ? {} : { note: state.note }) };
      if (state.volume !== undefined) {
        // A volume may belong to a mode that this stack is not in, or be shared.
        if (!compose.volumes.includes(state.volume) || named.has(state.volume)) continue;
        named.add(state.volume);
      }
      if (state.server !== undefined)
        kept.push({
          ...base,
          kind: 'server',
          container: state.server,
          user: state.user ?? '',
          volume: state.volume ?? '',
          clients: clientsOf(state.server, stack, compose),
        });
      else if (state.skip !== undefined)
        kept.push({ ...base, kind: 'skip', name: state.volume ?? '', reason: state.skip });
      else if (state.volume !== undefined)
        kept.push({
          ...base,
          kind: 'volume',
          name: state.volume,
          stop: state.stop ?? false,
          writers: writersOf(state.volume, compose),
        });
      else if (state.database !== undefined)
        kept.push({
          ...base,
          kind: 'database',
          name: state.database,
          server: serverOf(service, stack),
          clients: running(compose)
            .filter((block) => block.service === service)
            .map(({ name }) => name),
        });
      else if (state.folder !== undefined) kept.push({ ...base, kind: 'folder', name: state.folder });
    }
  }
  for (const name of compose.volumes) {
    if (named.has(name)) continue;
    const block = compose.containers.find((container) => mountOf(name, container) !== undefined);
    if (block)
      kept.push({ kind: 'skip', service: block.service, name, reason: block.service.stateless ?? '' });
  }
  return kept;
}

/** The PostgreSQL server of a service: its own, or that of a service that it needs. */
function serverOf(service: CatalogService, stack: Stack): string {
  for (const id of [service.id, ...(service.needs ?? [])]) {
    const other = stack.services.find((candidate) => candidate.id === id);
    const server = other?.state?.find((state) => state.server !== undefined)?.server;
    if (server !== undefined) return server;
  }
  throw new Error(`${service.file}: keeps a database, and needs no service that has a server`);
}

/** Jobs end by themselves: they are nothing to stop. */
function running(compose: ComposeModel): ContainerBlock[] {
  return compose.containers.filter(({ definition }) => definition.restart !== 'no');
}

function mountOf(volume: string, { definition }: ContainerBlock): string | undefined {
  return (definition.volumes as string[] | undefined)?.find((mount) => mount.startsWith(`${volume}:`));
}

function writersOf(volume: string, compose: ComposeModel): string[] {
  return running(compose)
    .filter((block) => /(?<!:ro)$/.test(mountOf(volume, block) ?? ':ro'))
    .map(({ name }) => name);
}

/** Who uses a server: the containers that connect to it, directly or by way of a pooler. */
function clientsOf(server: string, stack: Stack, compose: ComposeModel): string[] {
  const poolers = stack.services
    .flatMap(({ wiring = [] }) => wiring.flatMap(({ offers }) => offers?.pooler ?? []))
    .map(({ host }) => host);
  const servers = [server, ...poolers];
  return running(compose)
    .filter(({ name, connects }) => name !== server && connects.some((to) => servers.includes(to)))
    .map(({ name }) => name);
}
