import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { secretFiles, secretVariables, type ContainerBlock } from '../generators/stack/compose.js';
import { networksOf } from '../generators/stack/networks.js';
import { loadCatalog, packageRoot } from './load.js';
import type { Catalog, Hardening } from './service.js';
import { variations } from './variations.js';

/** What the processes of running containers may do, by `/proc/PID/status`: for each user, in a container of that image. */
export type Measured = Record<
  string,
  { image: string; processes: { uid: number; capabilities: string[] }[] }
>;

/** What differs between stacks. */
const varying = ['networks', 'connects', 'way', 'files', 'variables'] as const;

/** A container of the catalogue, as it is in the first stack that has it. */
export interface Privileges {
  service: string;
  /** The packaging, where the service has others. */
  flavour: string | undefined;
  container: string;
  image: string;
  user: string;
  capabilities: string[];
  readOnly: boolean;
  /** Folders in memory. */
  tmpfs: string[];
  networks: string[];
  /** The containers that it opens connections to. */
  connects: string[];
  /** `out` where it reaches other servers, `in` where it publishes ports and reaches none. */
  way: string[];
  memory: string;
  pids: number;
  files: string[];
  variables: string[];
  /** What only some stacks add: another setting, or another service that is there or not. */
  sometimes: Record<(typeof varying)[number], string[]>;
  hardening: Hardening;
}

/** `${NAME:-value}` as the value that stands there unless `.env` says another. */
const usual = (text: string): string => text.replace(/\$\{[A-Z0-9_]+:-([^}]*)\}/g, '$1');

const list = (value: unknown): string[] => (Array.isArray(value) ? (value as string[]) : []);

/** What a container may do, by its block of a compose file. */
export function privilegesOf(block: ContainerBlock, catalog: Catalog): Privileges {
  const { name, service, definition } = block;
  const hardening = service.hardening?.[name] ?? {};
  const { limits } = (definition.deploy as { resources: { limits: { memory: string; pids: number } } })
    .resources;
  const own = catalog.get(service.id);
  const other = own?.flavours?.find(({ image }) => image.name === service.image.name);
  return {
    service: service.id,
    flavour: own?.flavours ? (other?.id ?? own.flavour) : undefined,
    container: name,
    image: String(definition.image),
    user: typeof definition.user === 'string' ? usual(definition.user) : (hardening.user ?? 'root'),
    capabilities: list(definition.cap_add).toSorted(),
    readOnly: definition.read_only !== false,
    tmpfs: list(definition.tmpfs).map((path) => path.split(':')[0] ?? ''),
    networks: networksOf(definition).toSorted(),
    connects: block.connects,
    way: block.wayOut ? ['out'] : definition.ports === undefined ? [] : ['in'],
    memory: usual(limits.memory),
    pids: limits.pids,
    files: secretFiles(definition).toSorted(),
    variables: secretVariables(definition),
    sometimes: { networks: [], connects: [], way: [], files: [], variables: [] },
    hardening,
  };
}

/** Every container of the catalogue, in every packaging. */
export function allPrivileges(catalog: Catalog): Privileges[] {
  const found = new Map<string, Privileges>();
  for (const { containers } of variations(catalog))
    for (const block of containers) {
      const here = privilegesOf(block, catalog);
      const key = [here.service, here.flavour, here.container].join(' ');
      const first = found.get(key);
      if (!first) found.set(key, here);
      else
        for (const what of varying)
          for (const one of here[what])
            if (!first[what].includes(one) && !first.sometimes[what].includes(one))
              first.sometimes[what].push(one);
    }
  const rank = ({ service, flavour, container }: Privileges): string =>
    [service, flavour ?? '', container].join(' ');
  return [...found.values()].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

const or = (text: string): string => text || '-';

function row(privileges: Privileges, measured: Measured): string {
  const { service, flavour, container, user, hardening, sometimes } = privileges;
  const also = (names: string[]): string => (names.length > 0 ? ` (${names.toSorted().join(', ')})` : '');
  const secrets = [
    ...privileges.files,
    ...privileges.variables.map((name) => `**${name}**`),
    ...[...sometimes.files, ...sometimes.variables.map((name) => `**${name}**`)]
      .toSorted()
      .map((name) => `(${name})`),
  ];
  const last = measured[container];
  const processes = last?.image === privileges.image ? last.processes : [];
  const cells = [
    `\`${service}\`${flavour ? ` ${flavour}` : ''}`,
    `\`${container}\``,
    hardening.root ? `${user}, see below` : user,
    or(privileges.capabilities.join(' ')),
    privileges.readOnly
      ? `read-only${privileges.tmpfs.length > 0 ? `; in memory ${privileges.tmpfs.join(' ')}` : ''}`
      : 'writable',
    or((privileges.connects.join(', ') + also(sometimes.connects)).trim()),
    or((privileges.way.join(', ') + also(sometimes.way)).trim()),
    privileges.memory,
    String(privileges.pids),
    or(secrets.join('<br>')),
    or(processes.map(({ uid, capabilities }) => `${uid}: ${capabilities.join(' ') || 'none'}`).join('<br>')),
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
}

const questions: [keyof Hardening, string][] = [
  ['root', 'starts as root'],
  ['capabilities', 'capabilities'],
  ['writable', 'its root is writable'],
  ['host', 'sees of the host'],
  ['secrets', "another service's secret"],
];

function reasons({ flavour, container, hardening }: Privileges): string {
  const said = questions.flatMap(([key, question]) =>
    hardening[key] ? `${question}: ${hardening[key]}` : [],
  );
  return said.length > 0 ? `- \`${container}\`${flavour ? ` (${flavour})` : ''}: ${said.join('; ')}.\n` : '';
}

/** The text of `catalog/PRIVILEGES.md`. */
export function privilegesPage(catalog: Catalog, measured: Measured): string {
  const all = allPrivileges(catalog);
  const count = (what: (one: Privileges) => unknown): number => all.filter(what).length;
  return `# What every container may do

Made by \`npm run catalog\` from \`catalog/\`: do not edit this page. ${all.length} containers, in all packagings.

All of them: \`no-new-privileges\`, every capability dropped but those in the table, Docker's own seccomp profile, a log of at
most three files of 10 MB, \`restart: unless-stopped\` or never, no namespace of the host, no device. ${count(({ readOnly }) => readOnly)} have a read-only root,
${count(({ hardening }) => !hardening.root)} do not start as root, ${count(({ capabilities }) => capabilities.length === 0)} have no capability at all, ${count(({ way, sometimes }) => ![...way, ...sometimes.way].includes('out'))} never have a way out.

- **Connects to.** The containers that it opens connections to. It shares a network with these, with those that connect to it,
  and with containers of its own service that have the same connections: it reaches nothing else in the stack. The line is that
  of a stack with every service and default settings; in parentheses what another setting, or another choice of services, adds.
- **Way.** \`out\`: it reaches other servers. \`in\`: it publishes ports and reaches no other server. Containers with neither reach
  nothing of the host either.
- **Secrets.** By their names in \`.env\`: files below \`/run/secrets\`, or, **in bold**, in a variable or the command, which
  \`docker inspect\` shows: the image reads nothing else.
- **Measured.** On a Docker engine, of running containers, with stand-ins from Debian for the images (\`test/engine\`): the users
  that processes had in the end, each with its effective capabilities by \`/proc/PID/status\`. There \`docker inspect\` was compared
  with all of the line as well. A dash: the line is that of the compose file.

| Service | Container | Runs as | Capabilities | Root | Connects to | Way | Memory | Processes | Secrets | Measured |
|---|---|---|---|---|---|---|---|---|---|---|
${all.map((one) => row(one, measured)).join('')}
## Why

${all.map(reasons).join('')}`;
}

const record = join(packageRoot(), 'test/engine/privileges.json');

/** What was measured last, where this is the repository. */
export function loadMeasured(): Measured {
  return existsSync(record) ? (JSON.parse(readFileSync(record, 'utf8')) as Measured) : {};
}

/** Keeps what was measured for the page. */
export function saveMeasured(measured: Measured): void {
  const sorted = Object.fromEntries(Object.entries(measured).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(record, `${JSON.stringify(sorted, null, 2)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(join(packageRoot(), 'catalog/PRIVILEGES.md'), privilegesPage(loadCatalog(), loadMeasured()));
