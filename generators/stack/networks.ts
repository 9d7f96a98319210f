import type { Connection } from './connections.js';

/** A network of the stack. Which containers are on it says who reaches whom. */
export interface Network {
  name: string;
  /**
   * `pair`: from a service to another one. `own`: between the containers of a service. `out`: the way out of a service.
   * `in`: the ports that a service publishes.
   */
  kind: 'pair' | 'own' | 'out' | 'in';
  /** The containers that open connections; all containers, where the network is no `pair`. */
  clients: string[];
  /** The containers that are connected to. */
  servers: string[];
}

/** What networks are made of. */
export interface Reach {
  /** The id of the service of each container. */
  owners: ReadonlyMap<string, string>;
  connections: readonly Connection[];
  /** Containers that reach other servers. */
  out: ReadonlySet<string>;
  /** Containers that publish ports. */
  published: ReadonlySet<string>;
}

/** The cloud's metadata service: containers with a way out hold this address themselves, so that they do not reach it. */
export const metadataAddress = '169.254.169.254';

/** The networks in the order of their names: containers that no connection joins are never on one network. */
export function planNetworks({ owners, connections, out, published }: Reach): Network[] {
  const found = new Map<string, { kind: Network['kind']; clients: Set<string>; servers: Set<string> }>();
  const join = (name: string, kind: Network['kind'], clients: string[], servers: string[]): void => {
    const network = found.get(name) ?? { kind, clients: new Set(), servers: new Set() };
    for (const client of clients) network.clients.add(client);
    for (const server of servers) network.servers.add(server);
    found.set(name, network);
  };
  const owner = (container: string): string => owners.get(container) ?? container;
  for (const { from, to } of connections) {
    const [a, b] = [owner(from), owner(to)];
    if (a === b) join(a, 'own', [from, to], []);
    else join(`${a}_${b}`, 'pair', [from], [to]);
  }
  for (const container of out) join(`${owner(container)}_out`, 'out', [container], []);
  for (const container of published)
    if (!out.has(container)) join(`${owner(container)}_in`, 'in', [container], []);
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { kind, clients, servers }]) => ({
      name,
      kind,
      clients: [...clients].sort(),
      servers: [...servers].sort(),
    }));
}

/** All containers on a network. */
export function membersOf({ clients, servers }: Network): string[] {
  return [...clients, ...servers];
}

/** Whether a network leads out of the host. */
export function leadsOut({ kind }: Network): boolean {
  return kind === 'out' || kind === 'in';
}

/** The names of the networks in a container's block: a list, or a mapping where one of them has options. */
export function networksOf(definition: Record<string, unknown>): string[] {
  const { networks } = definition;
  if (Array.isArray(networks)) return networks as string[];
  return typeof networks === 'object' && networks !== null ? Object.keys(networks) : [];
}

/** What stands under `networks` of a container: a list, or a mapping where the metadata address is closed. */
export function networksBlock(networks: readonly Network[]): string[] | Record<string, object> {
  if (!networks.some(leadsOut)) return networks.map(({ name }) => name);
  return Object.fromEntries(
    networks.map((network) => [network.name, leadsOut(network) ? { link_local_ips: [metadataAddress] } : {}]),
  );
}
