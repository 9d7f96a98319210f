import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import { emptyFolder, run, type Ran } from '../run.js';
import { makeStack, writeRepository } from '../stacks.js';

const catalog = loadCatalog();
const { rendered } = makeStack(
  {
    name: 'checked',
    services: ['postgis', 'qgis-server', 'overpass'],
    domains: [{ host: 'gis.example.org' }],
    tls: 'off',
    expose: {},
    settings: {},
  },
  catalog,
  loadTemplates(catalog),
);

/** Runs an emitted script where these programs say what they are told to say. */
function script(
  name: string,
  programs: Record<string, string>,
  { args = [], env = {} }: { args?: string[]; env?: Record<string, string> } = {},
): Ran {
  const folder = emptyFolder();
  mkdirSync(join(folder, 'scripts'));
  mkdirSync(join(folder, 'bin'));
  const file = `scripts/${name}`;
  writeFileSync(join(folder, file), rendered.files.get(file)?.content ?? '');
  for (const [program, body] of Object.entries(programs))
    writeFileSync(join(folder, 'bin', program), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  const path = `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`;
  return run('sh', [file, ...args], { cwd: folder, env: { ...process.env, ...env, PATH: path } });
}

test('make check runs the questions of service files in their containers, with their input, and says which failed', () => {
  const folder = writeRepository(rendered);
  mkdirSync(join(folder, 'bin'));
  const docker = (answer: string): Ran => {
    const body = `case "$*" in
"compose ps -q --status running postgis") echo bbb ;;
"compose ps -q --status running nginx") echo aaa ;;
"exec -i bbb psql"*) grep -q has_function_privilege || exit 9; ${answer} ;;
esac`;
    writeFileSync(join(folder, 'bin/docker'), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    const path = `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`;
    return run('sh', ['scripts/check.sh'], { cwd: folder, env: { ...process.env, PATH: path } });
  };
  const title = 'PostGIS: what everybody and the anonymous roles may do';
  expect(docker("echo 'warning everybody may run gis.f()'").stdout).toContain(
    `warning everybody may run gis.f()\nok      ${title}\n`,
  );
  expect(docker('exit 3').stdout).toContain(`FAILED  ${title}\n`);
  expect(docker('exit 0').stdout).not.toContain('warning everybody');
});

describe('make check asks Docker and the host', () => {
  const containers = [
    'aaa nginx running 0 healthy false unless-stopped',
    'bbb qgis-server running 0 healthy false unless-stopped',
    'ccc postgis-setup exited 0 none false no',
    'ddd overpass running 0 healthy false unless-stopped',
  ];
  const disk = (used: number): string =>
    `printf 'Filesystem 1024-blocks Used Available Capacity Mounted\\noverlay 100 1 1 ${used}%% /\\n'`;
  const fake = ({ lines = containers, memory = '12.5', used = 40, inodes = 3 } = {}): Record<
    string,
    string
  > => ({
    docker: `case "$*" in
"compose ps -aq") echo aaa bbb ccc ddd ;;
"compose config"*) printf '%s\\n' nginx qgis-server overpass postgis-setup ;;
inspect*) cat <<'LINES'
${lines.join('\n')}
LINES
;;
stats*) case "$*" in *ccc*) exit 1 ;; esac; printf 'aaa 1.00%%\\nbbb ${memory}%%\\n' ;;
*"df -Pk /") ${disk(used)} ;;
*"df -Pi /") ${disk(inodes)} ;;
esac`,
    df: disk(50),
  });
  const check = (more: Parameters<typeof fake>[0] = {}): Ran => script('check-host.sh', fake(more));

  test('and finds nothing wrong where nothing is', () => {
    expect(check()).toEqual({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(
        /^ok {6}containers: 3 healthy, 1 jobs ended well\nok {6}Docker's disk: 60 % of the space free\nok {6}Docker's disk: 97 % of the inodes free\nok {6}disk of this folder: 50 % of the space free\n(ok {6}|warning )memory: \d+ %/,
      ) as unknown,
    });
  });

  test.each<[string, string, string]>([
    [
      'one that is not healthy',
      'bbb qgis-server running 0 unhealthy false unless-stopped',
      'qgis-server: is running, unhealthy: make logs s=qgis-server',
    ],
    [
      'one that was killed for lack of memory',
      'bbb qgis-server restarting 137 unhealthy true unless-stopped',
      'qgis-server: starts again and again, ends with code 137, killed: was its memory too little? QGIS_SERVER_MEMORY in .env: make logs s=qgis-server',
    ],
    [
      'a job that failed',
      'ccc postgis-setup exited 3 none false no',
      'postgis-setup: has ended with code 3: make logs s=postgis-setup',
    ],
    [
      'one that stopped',
      'bbb qgis-server exited 0 none false unless-stopped',
      'qgis-server: has ended with code 0: make logs s=qgis-server',
    ],
    ['one that is absent', '', 'qgis-server: has no container: make up'],
  ])('%s', (_what, line, message) => {
    const name = line.split(' ')[1] ?? 'qgis-server';
    const lines = [...containers.filter((other) => !other.includes(` ${name} `)), ...(line ? [line] : [])];
    const { code, stdout } = check({ lines });
    expect(stdout).toContain(`FAILED  ${message}\n`);
    expect(code).toBe(1);
  });

  test('what is still starting is a warning, with what it does meanwhile', () => {
    const { code, stdout } = check({
      lines: containers.map((line) =>
        line.replace(/(overpass|qgis-server) running 0 healthy/, '$1 running 0 starting'),
      ),
    });
    expect(stdout).toContain('warning qgis-server: is still starting\n');
    expect(stdout).toMatch(/^warning overpass: (?!is still).+/m);
    expect(code).toBe(0);
  });

  test('a container close to its memory limit is a warning, and so is a disk that fills; a full one is a failure', () => {
    expect(check({ memory: '96.40' })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(
        'warning qgis-server: uses 96 % of its memory limit: QGIS_SERVER_MEMORY in .env\n',
      ) as unknown,
    });
    expect(check({ memory: '89.99' }).stdout).not.toContain('memory limit');
    expect(check({ used: 93 })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("warning Docker's disk: 7 % of the space free\n") as unknown,
    });
    expect(check({ inodes: 99 })).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("FAILED  Docker's disk: 1 % of the inodes free\n") as unknown,
    });
  });

  test('a stack that does not run is told so', () => {
    expect(script('check-host.sh', { docker: 'true' })).toMatchObject({
      code: 1,
      stdout: 'FAILED  nothing runs: make up\n',
    });
  });
});

describe('make status', () => {
  const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
  const fake = (
    more: { runs?: string; tag?: string; registry?: string; old?: boolean } = {},
  ): Record<string, string> => ({
    docker: `case "$*" in
"compose ps -a --format"*) echo SERVICE ;;
"compose ps -q") echo aaa ;;
stats*) echo NAME ;;
"compose config") printf 'name: x\\nservices:\\n  one:\\n    image: example/one:1.0\\nvolumes:\\n  one:\\n    name: x_one\\n' ;;
inspect*) echo "one ${more.tag ?? 'example/one:1.0'} ${more.runs ?? 'sha256:id'}" ;;
"image inspect --format {{.ID}} {{.RepoD"*) echo "${digest('c')} example/one@${digest('a')}" ;;
"image inspect --format {{.ID}}"*) echo sha256:id ;;
buildx*) ${more.registry && !more.old ? `echo ${more.registry}` : 'exit 1'} ;;
manifest*) ${more.registry && more.old ? `printf '{\n "digest": "%s"\n}\n' ${more.registry}` : 'exit 1'} ;;
*) exit 9 ;;
esac`,
  });
  const status = (more: Parameters<typeof fake>[0] = {}, updates = ''): string =>
    script('status.sh', fake(more), { env: { updates } }).stdout;

  test('says whether what runs is what compose.yaml names, and asks no registry unless told to', () => {
    expect(status({ registry: digest('b') })).toContain('What runs is what compose.yaml names.\n');
    expect(status({ registry: digest('b') })).not.toContain('NEWER');
    expect(status({ tag: 'example/one:0.9' })).toContain(
      'one runs example/one:0.9, compose.yaml names example/one:1.0: make upgrade\n',
    );
    expect(status({ runs: 'sha256:old' })).toContain(
      'one runs an older build of example/one:1.0 than the one that was pulled: make up\n',
    );
  });

  test('says on request whether a registry has another build of the same tag, and goes on without an answer', () => {
    // By buildx, or where that is absent by docker manifest, which knows the image's own digest.
    for (const { old, same } of [
      { old: false, same: digest('a') },
      { old: true, same: digest('c') },
    ]) {
      expect(status({ registry: same, old }, '1')).toContain(
        'example/one:1.0: is the newest build of this tag\n',
      );
      expect(status({ registry: digest('b'), old }, '1')).toContain(
        'example/one:1.0: THERE IS A NEWER BUILD',
      );
    }
    expect(status({}, '1')).toContain('example/one:1.0: its registry gives no answer\n');
  });
});

describe('logs', () => {
  const line = (status: number, path: string, more = ''): string =>
    JSON.stringify({
      time: '2026-11-25T22:00:00+00:00',
      host: 'gis.example.org',
      client: '192.0.2.1',
      method: 'GET',
      path,
      status,
      bytes: 5,
      seconds: 0.5,
      upstream: `172.18.0.5:80${more}`,
    });
  const log = [
    line(200, '/ogc/world'),
    line(502, '/ogc/world'),
    line(504, '/ogc/"quoted" \\ "status":200'),
    line(404, '/tiles/9'),
    'nginx-1 2026/11/25 22:00:00 [error] 29#29: *7 connect() failed (113: Host is unreachable)',
    '2026/11/25 22:00:01 [notice] 1#1: signal process started',
    line(500, '/'),
  ].join('\n');
  const programs = {
    docker: `case "$*" in "compose ps"*) echo aaa && exit ;; compose*) echo "docker $*" >&2 ;; esac
cat <<'LINES'\n${log}\nLINES`,
  };
  const logs = (env: Record<string, string>, ...args: string[]): Ran =>
    script('logs.sh', programs, { args, env });

  test('make errors counts what nginx answered with an error, by status and service, and shows the last', () => {
    const { stdout, stderr, code } = logs({}, 'errors');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(
      [
        '      1  502 gis.example.org/ogc/',
        '      1  504 gis.example.org/ogc/',
        '      1  500 gis.example.org/',
        '',
        'The last of them:',
        '2026-11-25T22:00:00+00:00 502 192.0.2.1 GET gis.example.org/ogc/world  0.5 s  172.18.0.5:80',
        '2026-11-25T22:00:00+00:00 504 192.0.2.1 GET gis.example.org/ogc/\\"quoted\\" \\\\ \\"status\\":200  0.5 s  172.18.0.5:80',
        '2026-11-25T22:00:00+00:00 500 192.0.2.1 GET gis.example.org/  0.5 s  172.18.0.5:80',
        '',
        'What nginx says itself:',
        'nginx-1 2026/11/25 22:00:00 [error] 29#29: *7 connect() failed (113: Host is unreachable)',
        '',
      ].join('\n'),
    );
    expect(logs({ status: '404', since: '2h' }, 'errors')).toMatchObject({
      stdout: expect.stringMatching(/^ {6}1 {2}404 gis\.example\.org\/tiles\/\n/) as unknown,
    });
    expect(logs({ status: '403' }, 'errors').stdout).toContain('nginx answered nothing with 403\n');
    expect(logs({ status: 'bad' }, 'errors')).toMatchObject({ code: 2, stdout: '' });
  });

  test('make logs follows, begins where it is told to, and looks for a text in any case', () => {
    expect(logs({ s: 'nginx' }).stderr).toBe('docker compose logs --timestamps -f --tail 100 nginx\n');
    expect(logs({ since: '1h' }).stderr).toBe('docker compose logs --timestamps --since 1h -f\n');
    const found = logs({ find: 'UNREACHABLE', since: '1h', s: 'nginx' });
    expect(found.stdout.trim().split('\n')).toHaveLength(1);
    expect(found.stderr).not.toContain(' -f');
    expect(logs({ find: '-x nowhere' })).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("no line has '-x nowhere'") as unknown,
    });
  });
});
