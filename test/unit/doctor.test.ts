import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import { emptyFolder, run, type Ran } from '../run.js';
import { makeStack } from '../stacks.js';

const catalog = loadCatalog();
const { rendered } = makeStack(
  {
    name: 'doctor',
    services: ['postgis'],
    domains: [{ host: 'gis.example.org', aliases: ['www.example.org'] }],
    tls: 'self-signed',
    expose: { postgis: '127.0.0.1:5432' },
    settings: {},
  },
  catalog,
  loadTemplates(catalog),
);

const healthy = {
  docker: `case "$*" in version*) echo 28.2.2 ;; "compose version"*) echo v2.40.3 ;; info*) echo /var/lib/docker ;; esac`,
  ss: 'true',
  getent: 'echo "192.0.2.1 STREAM $2"',
  hostname: 'echo "192.0.2.1 10.0.0.1"',
  df: 'echo header; echo "/dev/x 100000000 1 50000000 1% /"',
  timedatectl: 'echo yes',
};

/** Runs the emitted script on a made-up host, where these programs say what they are told to say. */
function doctor(programs: Partial<typeof healthy> = {}, routes = ''): Ran {
  const folder = emptyFolder();
  mkdirSync(join(folder, 'scripts'));
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'scripts/doctor.sh'), rendered.files.get('scripts/doctor.sh')?.content ?? '');
  for (const [name, body] of Object.entries({ ...healthy, ...programs }))
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  writeFileSync(
    join(folder, 'routes'),
    `Iface Destination Gateway Flags RefCnt Use Metric Mask MTU\n${routes}`,
  );
  const env = {
    ...process.env,
    PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
    OSGS_ROUTES: join(folder, 'routes'),
  };
  return run('sh', ['scripts/doctor.sh'], { cwd: folder, env });
}

test('a host that is fit for the stack is told so, point by point', () => {
  const { code, stdout } = doctor();
  expect(stdout.match(/^(ok|FAILED|unsure)/gm)).not.toContain('FAILED');
  for (const line of [
    'Docker Engine 28.2.2',
    'Docker Compose 2.40.3',
    'port 80/tcp is free',
    'port 443/tcp is free',
    'port 5432/tcp is free',
    'gis.example.org leads here',
    'www.example.org leads here',
    'memory: ',
    'disk: 47 GiB free',
    'clock: synchronised',
  ])
    expect(stdout).toContain(`ok      ${line}`);
  expect(code).toBe(0);
});

test.each<[string, Partial<typeof healthy>, string]>([
  [
    'an engine that is too old',
    { docker: healthy.docker.replace('28.2.2', '19.3.1') },
    'Docker Engine 19.3.1: 20.10 or newer is needed',
  ],
  [
    'a Compose that is too old',
    { docker: healthy.docker.replace('v2.40.3', '2.3.3') },
    'Docker Compose 2.3.3: 2.20 or newer is needed',
  ],
  ['an engine that this user may not ask', { docker: 'exit 1' }, "Docker's engine does not answer"],
  [
    'a port that is taken',
    { ss: 'case "$*" in *":80"*) echo LISTEN ;; esac' },
    'port 80/tcp is taken by another program',
  ],
  ['a domain without an address', { getent: 'exit 2' }, 'gis.example.org has no address in the DNS'],
  ['a disk that is full', { df: 'echo header; echo "/dev/x 100000000 1 1000000 99% /"' }, 'disk: 0 GiB free'],
  ['a clock that nobody keeps right', { timedatectl: 'echo no' }, 'clock: not synchronised'],
])('%s is named, and the host is not fit', (_name, programs, message) => {
  const { code, stdout } = doctor(programs);
  expect(stdout).toContain(`FAILED  ${message}`);
  expect(code).toBe(1);
});

test('a domain that leads to another address is told, and left to whoever knows the network', () => {
  const { code, stdout } = doctor({ getent: 'echo "198.51.100.7 STREAM $2"' });
  expect(stdout).toContain('unsure  gis.example.org leads to 198.51.100.7, this host is 192.0.2.1 10.0.0.1');
  expect(code).toBe(0);
});

/** A line of /proc/net/route: addresses are written with the last byte first. */
function route(name: string, network: string): string {
  const [address = '', length = ''] = network.split('/');
  const hex = (bytes: number[]): string =>
    bytes
      .toReversed()
      .map((byte) => byte.toString(16).padStart(2, '0').toUpperCase())
      .join('');
  const mask = [0, 8, 16, 24].map(
    (shift) => (256 - 2 ** (8 - Math.min(Math.max(Number(length) - shift, 0), 8))) & 255,
  );
  return `${name} ${hex(address.split('.').map(Number))} 00000000 0001 0 0 0 ${hex(mask)} 0\n`;
}

test("a network of the host at the addresses of the stack is told, and Docker's own and the default route are not", () => {
  const [, first = '', third = ''] = /^(\d+\.\d+)\.(\d+)/.exec(rendered.compose.block) ?? [];
  const beside =
    route('eth0', '0.0.0.0/0') + route('eth0', '192.168.1.0/24') + route('br-1', `${first}.${third}.0/27`);
  expect(doctor({}, beside).stdout).toContain('ok      addresses: no other network');
  const next = `${first}.${(Number(third) + 64) % 256}.0/18`;
  expect(doctor({}, beside + route('tun0', next)).code).toBe(0);
  for (const network of ['10.0.0.0/8', `${first}.${Number(third) + 63}.240/28`, `${first}.${third}.0/32`]) {
    const { code, stdout } = doctor({}, beside + route('tun0', network));
    expect({ network, code, said: /FAILED {2}addresses: .* by tun0\. Choose/.test(stdout) }).toEqual({
      network,
      code: 1,
      said: true,
    });
  }
});
