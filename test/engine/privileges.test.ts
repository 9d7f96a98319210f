import { readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import {
  allPrivileges,
  loadMeasured,
  privilegesOf,
  saveMeasured,
  type Measured,
  type Privileges,
} from '../../catalog/privileges.js';
import { parseAnswers, type Answers } from '../../generators/stack/answers.js';
import { buildCompose } from '../../generators/stack/compose.js';
import { resolve } from '../../generators/stack/resolve.js';
import { makeView } from '../../generators/stack/view.js';
import { createOsgs } from '../run.js';
import { Deployment } from './deployment.js';
import { processesOf, type Process } from './processes.js';

const deployment = new Deployment('least');
const slow = 900_000;
const catalog = loadCatalog();
/** Every service that has a stand-in. The image of the job restic is run by the test of backups. */
const services = [
  'postgis,pgbouncer,valkey,qgis-server,mapproxy,mapserver,tileserver-gl,hugo,swagger-ui',
  'jupyter,mosquitto,node-red,sftp,keycloak,oauth2-proxy',
].join(',');

interface Inspected {
  Config: { User: string; Env: string[]; Image: string };
  State: { Running: boolean; Pid: number; ExitCode: number };
  HostConfig: {
    CapAdd: string[] | null;
    CapDrop: string[];
    ReadonlyRootfs: boolean;
    SecurityOpt: string[];
    Privileged: boolean;
    PidsLimit: number;
    Memory: number;
    LogConfig: { Type: string; Config: Record<string, string> };
    Tmpfs: Record<string, string> | null;
    NetworkMode: string;
    PidMode: string;
    IpcMode: string;
    UTSMode: string;
    UsernsMode: string;
    Devices: unknown[] | null;
  };
  Mounts: { Type: string; Source: string; Destination: string; RW: boolean; Name?: string }[];
  NetworkSettings: { Networks: Record<string, unknown> };
}

function megabytes(text: string): number {
  return Number.parseInt(text, 10) * (text.endsWith('G') ? 1024 : 1);
}

/** The line of a container in the table, in the words of `docker inspect`. */
function expected({ capabilities, readOnly, pids, memory, tmpfs, networks }: Privileges): object {
  return {
    add: capabilities,
    drop: ['ALL'],
    readOnly,
    security: ['no-new-privileges:true'],
    privileged: false,
    pids,
    memory: megabytes(memory) * 1024 ** 2,
    log: { Type: 'json-file', Config: { 'max-file': '3', 'max-size': '10m' } },
    tmpfs: tmpfs.toSorted(),
    networks: networks.length > 0 ? networks.map((name) => `least_${name}`) : ['none'],
    shared: ['', 'private', '', ''],
    devices: [],
  };
}

function seen({ HostConfig, NetworkSettings }: Inspected): object {
  return {
    add: (HostConfig.CapAdd ?? []).map((name) => name.replace(/^CAP_/, '')).sort(),
    drop: HostConfig.CapDrop,
    readOnly: HostConfig.ReadonlyRootfs,
    security: HostConfig.SecurityOpt,
    privileged: HostConfig.Privileged,
    pids: HostConfig.PidsLimit,
    memory: HostConfig.Memory,
    log: HostConfig.LogConfig,
    tmpfs: Object.keys(HostConfig.Tmpfs ?? {}).sort(),
    networks: Object.keys(NetworkSettings.Networks).sort(),
    shared: [HostConfig.PidMode, HostConfig.IpcMode, HostConfig.UTSMode, HostConfig.UsernsMode],
    devices: HostConfig.Devices ?? [],
  };
}

describe('what containers may do on a real engine', () => {
  let blocks: Privileges[] = [];
  const inspected = new Map<string, Inspected>();
  const processes = new Map<string, Process[]>();
  const docker = (...words: string[]): string => deployment.run('docker', words).stdout;
  const running = (): [Privileges, Inspected][] =>
    blocks.flatMap((one): [Privileges, Inspected][] => {
      const found = inspected.get(one.container);
      return found?.State.Running ? [[one, found]] : [];
    });

  beforeAll(() => {
    const made = createOsgs([
      deployment.folder,
      '--yes',
      `--services=${services}`,
      '--domain=gis.example.org',
      '--set=nginx.http_port=8350',
      '--set=nginx.https_port=8351',
    ]);
    expect(made).toMatchObject({ code: 0 });
    const { answers } = parseAnswers(readFileSync(`${deployment.folder}/osgs.yaml`, 'utf8'), 'osgs.yaml');
    const resolved = resolve({ expose: {}, settings: {}, ...answers } as Answers, catalog);
    if ('problems' in resolved) throw new Error(JSON.stringify(resolved.problems));
    blocks = buildCompose(makeView(resolved.stack)).containers.map((block) => privilegesOf(block, catalog));
  });
  afterAll(() => deployment.remove(), slow);

  test('a start without make says which file is missing, and leaves no folder in its place', () => {
    rmSync(`${deployment.folder}/.secrets`, { recursive: true, force: true });
    const up = deployment.run('docker', ['compose', 'up', '-d', 'postgis']);
    expect(up.code).not.toBe(0);
    expect(up.stderr).toMatch(/bind source path does not exist: \S+\/\.secrets\/POSTGIS_PASSWORD/);
    expect(deployment.run('test', ['-e', '.secrets']).code).toBe(1);
  });

  test(
    'all of them come up',
    () => {
      deployment.must('up');
      for (const id of docker('compose', 'ps', '-aq').trim().split('\n')) {
        const name = docker(
          'inspect',
          '--format',
          '{{index .Config.Labels "com.docker.compose.service"}}',
          id,
        ).trim();
        const [found] = JSON.parse(docker('inspect', id)) as Inspected[];
        if (!found) throw new Error(name);
        inspected.set(name, found);
        if (found.State.Running) processes.set(name, processesOf(id, found.State.Pid));
      }
      const written = blocks.map(({ container }) => container);
      expect([...inspected.keys()].sort()).toEqual(written.sort());
      expect(running().length).toBeGreaterThan(15);
    },
    slow,
  );

  test('docker inspect shows of each what its line in the table says', () => {
    const rows = allPrivileges(catalog);
    for (const block of blocks) {
      const { container, service, flavour, user, hardening } = block;
      const found = inspected.get(container);
      if (!found) throw new Error(container);
      expect({ container, ...seen(found) }).toEqual({ container, ...expected(block) });
      const { User } = found.Config;
      if (hardening.user)
        expect({ container, root: /^(0|root|)(:|$)/.test(User) }).toEqual({ container, root: false });
      else expect({ container, User: User === '' ? 'root' : User }).toEqual({ container, User: user });
      const row = rows.find(
        (one) => one.container === container && one.service === service && one.flavour === flavour,
      );
      // This stack is smaller than the one of the table: fewer networks, fewer secrets.
      expect({ ...row, ...block, hardening: {}, image: '' }).toEqual({
        ...row,
        networks: block.networks,
        connects: block.connects,
        way: block.way,
        files: block.files,
        variables: block.variables,
        tmpfs: block.tmpfs,
        sometimes: block.sometimes,
        hardening: {},
        image: '',
      });
      for (const what of ['networks', 'connects', 'way', 'files', 'variables'] as const)
        expect([...(row?.[what] ?? []), ...(row?.sometimes[what] ?? [])]).toEqual(
          expect.arrayContaining(block[what]),
        );
    }
  });

  test('no secret is in docker inspect but what the table has in bold, and each file is read-only', () => {
    const env = readFileSync(`${deployment.folder}/.env`, 'utf8');
    const secrets = [...env.matchAll(/^([A-Z0-9_]+)=([A-Za-z0-9]{32,})$/gm)].map(
      ([, name = '', value = '']) => ({
        name,
        value,
      }),
    );
    expect(secrets.length).toBeGreaterThan(15);
    for (const { container, variables, files } of blocks) {
      const found = inspected.get(container);
      const text = JSON.stringify(found);
      expect({
        container,
        shown: secrets
          .filter(({ value }) => text.includes(value))
          .map(({ name }) => name)
          .sort(),
      }).toEqual({ container, shown: variables });
      const mounted = found?.Mounts.filter(({ Destination }) => Destination.startsWith('/run/secrets')) ?? [];
      expect({
        container,
        mounted: mounted.map(({ Destination, RW, Source }) => `${Destination} ${RW} ${Source}`).sort(),
      }).toEqual({
        container,
        mounted: files.map((name) => `/run/secrets/${name} false ${deployment.folder}/.secrets/${name}`),
      });
    }
  });

  test('nothing is mounted but volumes and this repository', () => {
    for (const [container, { Mounts }] of inspected) {
      const foreign = Mounts.filter(
        ({ Type, Source }) => Type === 'bind' && !Source.startsWith(deployment.folder),
      );
      expect({ container, foreign }).toEqual({ container, foreign: [] });
    }
  });

  test('no process can get more than its container has, none escapes seccomp, and root is where the table says', () => {
    for (const [{ container, capabilities, hardening }] of running()) {
      const found = processes.get(container) ?? [];
      expect(found.length).toBeGreaterThan(0);
      for (const one of found) {
        expect({ container, ...one, uid: 0, capabilities: [] }).toEqual({
          container,
          uid: 0,
          capabilities: [],
          bounding: capabilities,
          noNewPrivileges: 1,
          seccomp: 2,
        });
        if (!hardening.root) expect({ container, ...one }).not.toMatchObject({ uid: 0 });
        if (one.uid !== 0) expect({ container, ...one }).toMatchObject({ capabilities: [] });
      }
    }
  });

  test('the page has what was measured: OSGS_RECORD=1 writes it anew, npm run catalog puts it into the page', () => {
    const measured: Measured = Object.fromEntries(
      [...processes].map(([container, found]) => {
        const lines = new Map(
          found.map(({ uid, capabilities }) => [`${uid} ${capabilities.join()}`, { uid, capabilities }]),
        );
        const image = inspected.get(container)?.Config.Image ?? '';
        return [container, { image, processes: [...lines.values()].sort((a, b) => a.uid - b.uid) }];
      }),
    );
    if (process.env['OSGS_RECORD']) saveMeasured(measured);
    expect(measured).toEqual(loadMeasured());
  });

  test('every network between containers is known to Docker as having no way out and no address of the host', () => {
    const names = docker('network', 'ls', '--filter', 'name=^least_', '--format', '{{.Name}}')
      .trim()
      .split('\n');
    expect(names.length).toBeGreaterThan(15);
    for (const name of names) {
      const wanted = /_(in|out)$/.test(name) ? 'false' : 'true true';
      const format = '{{.Internal}} {{index .Options "com.docker.network.bridge.inhibit_ipv4"}}';
      const seen = docker('network', 'inspect', '--format', format, name).trim();
      expect({ name, seen }).toEqual({ name, seen: wanted });
    }
  });

  test(
    'every container ends by itself when it is told to, the database in order',
    () => {
      expect(deployment.run('docker', ['compose', 'stop']).code).toBe(0);
      expect(docker('compose', 'logs', 'postgis')).toContain('database system is shut down');
      for (const [{ container }] of running()) {
        const logs = deployment.run('docker', ['compose', 'logs', container]);
        expect({ container, died: (logs.stdout + logs.stderr).includes('FATAL tini') }).toEqual({
          container,
          died: false,
        });
      }
    },
    slow,
  );
});
