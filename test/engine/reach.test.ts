import { spawn, type ChildProcess } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { loadCatalog } from '../../catalog/load.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import type { ComposeModel } from '../../generators/stack/compose.js';
import { metadataAddress } from '../../generators/stack/networks.js';
import { render } from '../../generators/stack/render.js';
import { resolve } from '../../generators/stack/resolve.js';
import { emptyFolder, run } from '../run.js';
import { domainsFor } from '../stacks.js';

const catalog = loadCatalog();
const slow = 200_000;
const inside = 7000;
const published = 8390;
const onHost = 7999;

/**
 * Connects to all of its arguments, `address:port`, at once, and prints those that greet within two seconds. A network around the
 * machine may accept every connection, so an open one says nothing.
 */
const connectAll = `use IO::Socket::INET; use IO::Select; use Socket;
my $all = IO::Select->new; my %who;
for (@ARGV) { my ($a, $p) = split /:/; my $s = IO::Socket::INET->new(Proto => "tcp") or next; $s->blocking(0);
  connect($s, pack_sockaddr_in($p, inet_aton($a))) or $!{EINPROGRESS} or next; $all->add($s); $who{fileno $s} = $_; }
my ($end, $got) = (time + 2);
while ($all->count and time <= $end) { for my $s ($all->can_read(0.5)) {
  print "$who{fileno $s}\\n" if sysread($s, $got, 4) and $got eq "osgs"; $all->remove($s); } }`;
const listener = (port: number): string => `use IO::Socket::INET; $SIG{TERM} = sub { exit };
my $s = IO::Socket::INET->new(LocalPort => ${port}, Listen => 100, ReuseAddr => 1) or die;
while (my $c = $s->accept) { print $c "osgs"; close $c }`;

/** The stack of a preset with its networks, in which every container is nothing but something that listens. */
class Skeleton {
  readonly folder = emptyFolder();
  readonly model: ComposeModel;

  constructor(
    readonly name: string,
    readonly preset: string,
  ) {
    const services = catalog.presets.get(preset)?.services ?? [];
    const resolved = resolve(
      {
        name,
        services,
        domains: domainsFor(services, catalog),
        tls: 'self-signed',
        expose: {},
        settings: { nginx: { http_port: published, https_port: published + 1 } },
      },
      catalog,
    );
    if ('problems' in resolved) throw new Error(JSON.stringify(resolved.problems));
    const rendered = render(resolved.stack, loadTemplates(catalog));
    this.model = rendered.compose;
    const { containers } = this.model;
    const emitted = parse(rendered.files.get('compose.yaml')?.content ?? '', { merge: true }) as {
      networks: object;
    };
    const body = {
      name,
      services: Object.fromEntries(
        containers.map(({ name: id, definition: { networks: on, network_mode: mode, ports } }) => [
          id,
          {
            image: 'osgs-standin-base:trixie',
            entrypoint: ['perl', '-e', listener(inside).replaceAll('$', '$$$$')],
            init: true,
            cap_drop: ['ALL'],
            ...(on === undefined ? { network_mode: mode } : { networks: on }),
            ...(ports === undefined
              ? {}
              : { ports: (ports as string[]).map((port) => port.replace(/:\d+$/, `:${inside}`)) }),
          },
        ]),
      ),
      // As they are emitted, with all of their options.
      networks: emitted.networks,
    };
    writeFileSync(join(this.folder, 'compose.yaml'), JSON.stringify(body));
  }

  docker(...words: string[]): string {
    const ran = run('docker', words, { cwd: this.folder, timeout: slow });
    if (ran.code !== 0) throw new Error(`docker ${words.join(' ')}: ${ran.stderr}`);
    return ran.stdout.trim();
  }

  /** The addresses of each container, on all of its networks. */
  addresses(): Map<string, string[]> {
    const format =
      '{{index .Config.Labels "com.docker.compose.service"}}{{range .NetworkSettings.Networks}} {{.IPAddress}}{{end}}';
    const ids = this.docker('compose', 'ps', '-q').split('\n');
    const lines = this.docker('inspect', '--format', format, ...ids).split('\n');
    return new Map(
      lines.map((line) => {
        const [name = '', ...found] = line.split(' ');
        return [name, found.filter(Boolean)];
      }),
    );
  }

  /** Which of these places answer a container. */
  reached(from: string, places: string[]): string[] {
    return this.docker('compose', 'exec', '-T', from, 'perl', '-MErrno', '-e', connectAll, ...places)
      .split('\n')
      .filter(Boolean);
  }

  remove(): void {
    run('docker', ['compose', 'down', '-t', '0'], { cwd: this.folder, timeout: slow });
  }
}

describe.each([
  ['reach-a', 'publish-maps'],
  ['reach-b', 'sensors'],
  ['reach-c', 'bi-and-analysis'],
])('every container of %s, the preset %s, against every other', (name, preset) => {
  const skeleton = new Skeleton(name, preset);
  const { containers, networks } = skeleton.model;
  const service = new Map(containers.map((block) => [block.name, block.service.id]));
  const addresses = new Map<string, string[]>();
  const host = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);
  let program: ChildProcess | undefined;

  beforeAll(() => {
    // The host has the metadata address itself here: what no container may reach.
    run('ip', ['link', 'add', 'osgsmeta', 'type', 'bridge']);
    run('ip', ['address', 'add', `${metadataAddress}/32`, 'dev', 'osgsmeta']);
    run('ip', ['link', 'set', 'osgsmeta', 'up']);
    program = spawn('perl', ['-e', listener(onHost)]);
    skeleton.docker('compose', 'up', '-d', '--quiet-pull');
    for (const [one, found] of skeleton.addresses()) addresses.set(one, found);
  }, slow);
  afterAll(() => {
    skeleton.remove();
    program?.kill();
    run('ip', ['link', 'del', 'osgsmeta']);
  }, slow);

  test(
    'those that are connected answer, and no other one does',
    () => {
      expect(addresses.size).toBe(containers.length);
      const owner = new Map(
        [...addresses].flatMap(([one, found]) => found.map((address): [string, string] => [address, one])),
      );
      const seen = new Set<string>();
      for (const [from, own] of addresses)
        for (const place of skeleton.reached(
          from,
          [...owner.keys()].filter((address) => !own.includes(address)).map((one) => `${one}:${inside}`),
        ))
          seen.add(`${from} ${owner.get(place.split(':')[0] ?? '') ?? ''}`);
      const wanted = new Set<string>();
      for (const { name: from, connects } of containers)
        for (const to of connects) wanted.add(`${from} ${to}`).add(`${to} ${from}`);
      // Containers of one service that connect to the same one meet on its network.
      for (const { clients, servers } of networks)
        for (const part of [clients, servers])
          for (const one of part)
            for (const other of part)
              if (one !== other && service.get(one) === service.get(other)) wanted.add(`${one} ${other}`);
      console.info(`${preset}: ${containers.length} containers, ${seen.size} ordered pairs answer`);
      expect([...seen].sort()).toEqual([...wanted].sort());
    },
    slow,
  );

  test(
    'the metadata address answers none, and the host only those with a way out and the one that publishes ports',
    () => {
      const gateways = networks.map(({ subnet }) =>
        subnet.replace(/\d+\/\d+$/, (end) => String(parseInt(end, 10) + 1)),
      );
      const places = [...new Set([...host.filter((one) => one !== metadataAddress), ...gateways])];
      const reached = { metadata: [] as string[], listener: [] as string[], published: [] as string[] };
      for (const { name: from } of containers) {
        const found = skeleton.reached(from, [
          `${metadataAddress}:${onHost}`,
          ...places.flatMap((place) => [`${place}:${onHost}`, `${place}:${published}`]),
        ]);
        if (found.some((place) => place.startsWith(metadataAddress))) reached.metadata.push(from);
        if (found.some((place) => place.endsWith(`:${onHost}`))) reached.listener.push(from);
        if (found.some((place) => place.endsWith(`:${published}`))) reached.published.push(from);
      }
      const open = containers.filter(({ wayOut, definition }) => wayOut || definition.ports !== undefined);
      const names = open.map((block) => block.name).sort();
      expect({ ...reached, listener: reached.listener.sort(), published: reached.published.sort() }).toEqual({
        metadata: [],
        listener: names,
        published: names,
      });
      expect(names.length).toBeLessThan(containers.length / 2);
    },
    slow,
  );

  test(
    'a container that is put on a foreign network is found',
    () => {
      const foreign = networks.find(({ kind, servers }) => kind === 'pair' && servers.includes('postgis'));
      const places = (): string[] =>
        (skeleton.addresses().get('postgis') ?? []).map((one) => `${one}:${inside}`);
      expect(skeleton.reached('nginx', places())).toEqual([]);
      const nginx = skeleton.docker('compose', 'ps', '-q', 'nginx');
      skeleton.docker('network', 'connect', `${name}_${foreign?.name ?? ''}`, nginx);
      expect(skeleton.reached('nginx', places())).toHaveLength(1);
    },
    slow,
  );
});
