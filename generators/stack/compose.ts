import { stringify } from 'yaml';
import type { CatalogService, ComposePart, Hardening, Image } from '../../catalog/service.js';
import { applies } from './conditions.js';
import { connectionsOf, type Connection } from './connections.js';
import { membersOf, networksBlock, planNetworks, type Network } from './networks.js';
import { replicas, variableName } from './resolve.js';
import type { PublishedPort, Stack } from './stack.js';
import { defaultBlock, subnetsOf } from './subnets.js';
import { fillAll, serviceView, type View } from './view.js';

type Container = Record<string, unknown>;
interface Deploy {
  resources: { limits: Record<string, unknown> };
  replicas?: number;
}

/** A container of the stack, in Compose's words. */
export interface ContainerBlock {
  name: string;
  service: CatalogService;
  definition: Container;
  /** The containers that it opens connections to. */
  connects: string[];
  /** Whether it reaches other servers. */
  wayOut: boolean;
  /** YAML, indented for its place under `services:`, base settings and reasons included. */
  text: string;
}

export interface ComposeModel {
  containers: ContainerBlock[];
  /** Names of the volumes, in order. */
  volumes: string[];
  /** In the order of their names, each with its addresses. */
  networks: (Network & { subnet: string })[];
  /** The block of addresses that all subnets are in, as `10.114.64.0/18`. */
  block: string;
  /** Secrets that containers read as files, by their variables, in order. */
  secrets: string[];
  /** Variables that hold the containers' memory limits, with their defaults. */
  memory: { variable: string; container: string; value: string; service: CatalogService }[];
}

/** Builds the Compose model from the services' own parts and what the others contribute to them. */
export function buildCompose(view: View): ComposeModel {
  const { stack } = view;
  const owners = new Map<string, CatalogService>();
  const containers = new Map<string, Container>();
  const volumes = new Set<string>();
  const secrets = new Set<string>();
  const memory: ComposeModel['memory'] = [];

  const add = (part: ComposePart, service: CatalogService): void => {
    const filled = fillAll(part, serviceView(view, service), service.file);
    for (const [name, definition] of Object.entries(filled.services ?? {})) {
      containers.set(name, merge(containers.get(name) ?? {}, definition) as Container);
      if (!owners.has(name) || definition.healthcheck) owners.set(name, service);
    }
    for (const name of Object.keys(filled.volumes ?? {})) volumes.add(name);
  };
  // First what each service is, then what others add to it: the order of the blocks is the order of the services.
  for (const service of stack.services) add(service.compose, service);
  for (const service of stack.services) {
    for (const wiring of service.wiring ?? [])
      if (wiring.compose && applies(wiring, service, stack)) add(wiring.compose, service);
  }
  for (const port of stack.ports) publish(containers, port);
  const { networks, connections, out } = connect(view, containers, owners);
  const dns = list(view.front.dns);

  const blocks = [...containers].map(([name, definition]): ContainerBlock => {
    const service = owners.get(name);
    if (!service || !definition.deploy)
      throw new Error(
        `${service?.file ?? 'catalogue'}: the container '${name}' is not defined whole in this stack`,
      );
    const deploy = definition.deploy as Deploy;
    const count = name === service.scale ? replicas(stack, service) : 1;
    if (count > 1) deploy.replicas = count;
    const limit = deploy.resources.limits;
    const variable = variableName(name, 'memory');
    memory.push({ variable, container: name, value: String(limit.memory), service });
    limit.memory = `\${${variable}:-${String(limit.memory)}}`;
    limit.pids ??= 512;
    for (const name of secretFiles(definition)) {
      if (!isSecret(stack, name))
        throw new Error(`${service.file}: '${name}' is not a secret of any service in this stack`);
      secrets.add(name);
    }
    const complete: Container = { image: imageReference(service.image), ...definition };
    delete complete.networks;
    const own = networks.filter((network) => membersOf(network).includes(name));
    if (own.length > 0) complete.networks = networksBlock(own);
    else complete.network_mode = 'none';
    if (out.has(name) && dns.length > 0) complete.dns = dns;
    const named = nameVariables(complete, stack, service) as Container;
    return {
      name,
      service,
      definition: named,
      connects: connections.filter(({ from, to }) => from === name && to !== name).map(({ to }) => to),
      wayOut: out.has(name),
      text: blockText(name, named, service.hardening?.[name] ?? {}),
    };
  });
  const order = new Map(stack.services.map((service, index) => [service.id, index]));
  blocks.sort((a, b) => (order.get(a.service.id) ?? 0) - (order.get(b.service.id) ?? 0));
  const block = String(view.front.subnets || defaultBlock(stack.name));
  const subnets = subnetsOf(
    networks.map(({ name }) => name),
    stack,
    block,
  );
  return {
    containers: blocks,
    volumes: [...volumes].sort(),
    networks: networks.map((network) => ({ ...network, subnet: subnets.get(network.name) ?? '' })),
    block,
    secrets: [...secrets].sort(),
    memory,
  };
}

/** The networks of the stack, by what its containers connect to. Throws where a service file contradicts itself. */
function connect(
  view: View,
  containers: ReadonlyMap<string, Container>,
  owners: ReadonlyMap<string, CatalogService>,
): { networks: Network[]; connections: Connection[]; out: Set<string> } {
  const connections = connectionsOf(view, new Set(containers.keys()));
  const out = new Set<string>();
  const published = new Set<string>();
  for (const [name, { networks = [], ports = [] }] of containers) {
    for (const network of networks as string[]) {
      if (network !== 'egress')
        throw new Error(
          `${owners.get(name)?.file ?? 'catalogue'}: there is no network '${network}' for '${name}': 'connects' says what a container reaches, 'egress' that it has a way out`,
        );
      out.add(name);
    }
    if ((ports as string[]).length > 0) published.add(name);
  }
  const ids = new Map([...owners].map(([name, { id }]) => [name, id]));
  const networks = planNetworks({ owners: ids, connections, out, published });
  for (const network of networks)
    for (const name of membersOf(network))
      if (containers.get(name)?.network_mode !== undefined)
        throw new Error(
          `${owners.get(name)?.file ?? 'catalogue'}: '${name}' has a network_mode and cannot be on ${network.name}`,
        );
  return { networks, connections, out };
}

function list(value: unknown): string[] {
  return (typeof value === 'string' ? value : '')
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
}

/** An image as Compose names it: with its tag, and the digest where the catalogue knows it. */
export function imageReference({ name, tag, digest }: Image): string {
  return `${name}:${tag}${digest === undefined ? '' : `@${digest}`}`;
}

/** The secrets that a container reads as files below /run/secrets, by their variables. */
export function secretFiles(definition: Record<string, unknown>): string[] {
  return (definition.secrets as string[] | undefined) ?? [];
}

/** The secrets that stand in a container's variables or command, where `docker inspect` shows them. */
export function secretVariables(definition: Record<string, unknown>): string[] {
  const found = JSON.stringify(definition).matchAll(/(?<!\$)\$\{([A-Z][A-Z0-9_]*):\?/g);
  return [...new Set([...found].map(([, name = '']) => name))].sort();
}

function isSecret(stack: Stack, name: string): boolean {
  return stack.settings.some(({ variable, definition }) => variable === name && definition.type === 'secret');
}

function publish(containers: Map<string, Container>, port: PublishedPort): void {
  const container = containers.get(port.container) ?? {};
  const suffix = port.protocol === 'udp' ? '/udp' : '';
  containers.set(
    port.container,
    merge(container, { ports: [`${port.bind}:${port.containerPort}${suffix}`] }) as Container,
  );
}

/** Mappings are merged key by key and lists are joined, as Compose itself merges files. */
function merge(base: unknown, more: unknown): unknown {
  if (Array.isArray(base) && Array.isArray(more))
    return [...(base as unknown[]), ...(more as unknown[]).filter((item) => !base.includes(item))];
  if (!isMapping(base) || !isMapping(more)) return more;
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(more))
    result[key] = key in result ? merge(result[key], value) : value;
  return result;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `${NAME}` of a secret stops with a readable message where it is missing; that of a setting gets its default. */
function nameVariables(value: unknown, stack: Stack, service: CatalogService): unknown {
  if (Array.isArray(value)) return value.map((item) => nameVariables(item, stack, service));
  if (isMapping(value))
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, nameVariables(item, stack, service)]),
    );
  if (typeof value !== 'string') return value;
  return value.replace(/(?<!\$)\$\{([A-Z][A-Z0-9_]*)\}/g, (_match, name: string) => {
    const setting = stack.settings.find((candidate) => candidate.variable === name);
    if (!setting)
      throw new Error(`${service.file}: \${${name}} is not a setting of any service in this stack`);
    if (setting.definition.type === 'secret') return `\${${name}:?is missing in .env - run 'make env'}`;
    return `\${${name}:-${String(setting.value)}}`;
  });
}

function blockText(name: string, definition: Container, hardening: Hardening): string {
  const yaml = stringify({ [name]: definition }, { lineWidth: 0, indentSeq: true, version: '1.1' });
  const [head, ...rest] = yaml.trimEnd().split('\n');
  const reasons: [RegExp, string | undefined][] = [
    [/^ {2}cap_add:/, hardening.capabilities],
    [/^ {2}read_only: false/, hardening.writable],
  ];
  const lines = [`${head ?? ''}`, '  <<: *service'];
  if (hardening.root) lines.push(`  # Starts as root: ${hardening.root}.`);
  if (hardening.user) lines.push(`  # Runs as the image's own user, ${hardening.user}.`);
  if (hardening.host) lines.push(`  # Sees of the host: ${hardening.host}.`);
  for (const line of rest) {
    for (const [pattern, reason] of reasons)
      if (reason && pattern.test(line))
        lines.push(`  # ${reason[0]?.toUpperCase() ?? ''}${reason.slice(1)}.`);
    lines.push(line);
  }
  return lines.map((line) => (line === '' ? '' : `  ${line}`)).join('\n');
}
