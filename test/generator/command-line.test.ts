import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { command, createOsgs, emptyFolder, readTree, run, secretValues } from '../run.js';
import { madeUpHead } from '../stacks.js';

const small = [
  '--yes',
  '--services',
  'postgis,geoserver,qgis-server,mapproxy',
  '--domain',
  'gis.example.org',
  '--domain',
  'tiles.example.org=mapproxy',
  '--tls',
  'self-signed',
];

function make(args = small): string {
  const folder = join(emptyFolder(), 'my-stack');
  const ran = createOsgs([folder, ...args]);
  if (ran.code !== 0) throw new Error(ran.stderr);
  return folder;
}

test('the same command twice gives the same trees, but for the secrets in .env', () => {
  const [one, two] = [readTree(make()), readTree(make())];
  const secrets = (tree: typeof one): string =>
    (tree.get('.env')?.content ?? '').replace(/^([A-Z0-9_]+)=.+$/gm, '$1=');
  expect(secrets(one)).toBe(secrets(two));
  expect(one.get('.env')?.content).not.toBe(two.get('.env')?.content);
  one.delete('.env');
  two.delete('.env');
  expect(one).toEqual(two);
});

test('no secret of .env is in a file that git would commit, and .env is for its owner only', () => {
  const folder = make();
  execFileSync('git', ['init', '-q'], { cwd: folder });
  execFileSync('git', ['add', '-A'], { cwd: folder });
  const tracked = execFileSync('git', ['ls-files'], { cwd: folder, encoding: 'utf8' }).split('\n');
  expect(tracked).not.toContain('.env');
  expect(tracked).toContain('.env.example');
  const tree = readTree(folder);
  expect(tree.get('.env')?.mode).toBe(0o600);
  const secrets = secretValues(tree.get('.env')?.content ?? '');
  expect(secrets.length).toBeGreaterThanOrEqual(5);
  for (const secret of secrets) {
    expect(secret).toMatch(/^[A-Za-z0-9]{32}$/);
    for (const path of tracked) expect(tree.get(path)?.content ?? '').not.toContain(secret);
  }
});

test('run again with nothing changed, it changes nothing', () => {
  const folder = make();
  const before = readTree(folder);
  expect(createOsgs([folder, '--yes']).code).toBe(0);
  expect(readTree(folder)).toEqual(before);
  expect(createOsgs([folder, '--yes', '--dry-run']).code).toBe(0);
});

test('run again with one more service, edits and secrets stay', () => {
  const folder = make();
  const env = readFileSync(join(folder, '.env'), 'utf8');
  writeFileSync(join(folder, '.editorconfig'), 'root = false\n');
  const ran = createOsgs([folder, '--yes', '--services', 'postgis,geoserver,qgis-server,mapproxy,martin']);
  expect(ran.stderr).toContain('kept .editorconfig');
  expect(ran.code).toBe(0);
  expect(readFileSync(join(folder, '.editorconfig'), 'utf8')).toBe('root = false\n');
  expect(readFileSync(join(folder, '.env'), 'utf8').startsWith(env)).toBe(true);
  expect(readFileSync(join(folder, '.env'), 'utf8')).toContain('MARTIN_DB_PASSWORD=');
  expect(readFileSync(join(folder, 'compose.yaml'), 'utf8')).toContain('ghcr.io/maplibre/martin:');
});

describe('bad input writes nothing and says what to do', () => {
  const cases: [string, string[], number, string][] = [
    ['an unknown service', ['--yes', '--services', 'geosever'], 1, 'Did you mean geoserver?'],
    ['no service', ['--yes'], 1, '--services a,b,c'],
    [
      'a host name that is none',
      ['--yes', '--services', 'martin', '--domain', 'https://x'],
      1,
      "'https://x' is not a host name",
    ],
    ['an unknown flag', ['--yes', '--servcies', 'martin'], 2, 'Did you mean --services'],
    [
      "a domain for which Let's Encrypt gives no certificate",
      ['--yes', '--services', 'martin', '--tls', 'letsencrypt', '--domain', 'gis.local'],
      1,
      "gives no certificate for 'gis.local'",
    ],
    [
      'an e-mail address that is none',
      ['--yes', '--services', 'martin', '--email', 'me'],
      2,
      'not an e-mail address',
    ],
    [
      'a setting without a value',
      ['--yes', '--services', 'martin', '--set', 'martin'],
      2,
      'SERVICE.SETTING=VALUE',
    ],
    [
      'a catalogue that is not there',
      ['--yes', '--services', 'martin', '--catalog', '/nowhere'],
      1,
      '/nowhere',
    ],
  ];
  test.each(cases)('%s', (_name, args, code, text) => {
    const folder = emptyFolder();
    const ran = createOsgs(['made', ...args], { cwd: folder });
    expect(ran.stderr).toContain(text);
    expect(ran.code).toBe(code);
    expect(ran.stdout).toBe('');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a directory that is not empty and holds no osgs.yaml', () => {
    const folder = emptyFolder();
    writeFileSync(join(folder, 'mine.txt'), 'x');
    const ran = createOsgs([folder, ...small]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('is not empty and holds no osgs.yaml');
    expect(readdirSync(folder)).toEqual(['mine.txt']);
  });

  test('a malformed osgs.yaml, with its line and column', () => {
    const folder = make();
    writeFileSync(join(folder, 'osgs.yaml'), 'name: a\ntls: maybe\n');
    const ran = createOsgs([folder, '--yes']);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/osgs\.yaml:2:1: tls must be one of letsencrypt, self-signed, files, off/);
  });

  test('a service in osgs.yaml that does not exist, with its line', () => {
    const folder = make();
    const file = join(folder, 'osgs.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('- geoserver', '- geosever'));
    expect(createOsgs([folder, '--yes']).stderr).toMatch(
      /osgs\.yaml:\d+:\d+: there is no service 'geosever'/,
    );
  });

  test('a catalogue file that breaks the schema, with its line', () => {
    const folder = emptyFolder();
    writeFileSync(join(folder, 'thing.yaml'), 'id: thing\nmemroy: 3\n');
    const ran = createOsgs([join(folder, 'out'), ...small, '--catalog', folder]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/thing\.yaml:2:1: unknown key 'memroy'/);
  });

  test('a directory that may not be written', () => {
    const folder = join(emptyFolder(), 'locked');
    mkdirSync(folder);
    chmodSync(folder, 0o555);
    const target = join(folder, 'stack');
    // Root may write anywhere: there the command runs as nobody.
    const asked = [process.execPath, command, target, ...small];
    const [program = '', ...rest] =
      process.getuid?.() === 0 ? ['setpriv', '--reuid', '65534', '--clear-groups', ...asked] : asked;
    const ran = run(program, rest);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('cannot be created');
  });
});

test('a service from a folder outside the package is listed and emitted, with no code changed', () => {
  const folder = emptyFolder();
  mkdirSync(join(folder, 'services'));
  mkdirSync(join(folder, 'templates/services/echo'), { recursive: true });
  writeFileSync(join(folder, 'templates/services/echo/echo.conf.ejs'), 'at <%= route.url %>\n');
  writeFileSync(
    join(folder, 'services/echo.yaml'),
    `${madeUpHead('echo', 'api', 'Says what it hears.')}image: { name: example/echo, tag: "1.2", evidence: none }
memory: 16
stateless: It keeps nothing.
settings:
  - { name: token, type: secret, help: Who may speak. }
compose:
  services:
    echo:
      user: "1000:1000"
      environment: { TOKEN: "\${ECHO_TOKEN}" }
      healthcheck: { test: [CMD, true] }
      deploy: { resources: { limits: { memory: 32M } } }
routes:
  - { upstream: "echo:8080", path: /echo/, paths: free, prefix: strip, own: root, access: public }
`,
  );
  const out = join(folder, 'out');
  expect(createOsgs(['list', '--catalog', folder]).stdout).toContain('Says what it hears.');
  expect(
    createOsgs([out, '--yes', '--services', 'echo', '--domain', 'x.org', '--catalog', folder]).code,
  ).toBe(0);
  expect(readFileSync(join(out, 'services/echo/echo.conf'), 'utf8')).toBe('at https://x.org/echo/\n');
  expect(readFileSync(join(out, 'compose.yaml'), 'utf8')).toContain('image: example/echo:1.2');
  expect(readFileSync(join(out, 'nginx/routes/echo.conf'), 'utf8')).toContain('echo:8080');
  expect(readFileSync(join(out, '.env'), 'utf8')).toMatch(/^ECHO_TOKEN=\w{32}$/m);
});

test('--config - takes the whole answer set, and --json prints one object and nothing else', () => {
  const folder = join(emptyFolder(), 'made');
  const ran = createOsgs([folder, '--config', '-', '--json'], {
    input: 'services: [mapproxy]\ndomains: [{host: m.org, owner: mapproxy}]\ntls: off\n',
  });
  expect(ran.code).toBe(0);
  expect(JSON.parse(ran.stdout)).toMatchObject({
    written: true,
    name: 'made',
    addresses: [{ id: 'mapproxy', url: 'http://m.org/mapproxy/' }],
  });
  expect(ran.stderr).toBe('');
});

test('a dry run writes nothing, and its exit code says that something would change', () => {
  const folder = join(emptyFolder(), 'made');
  expect(createOsgs([folder, ...small, '--dry-run']).code).toBe(4);
  expect(existsSync(folder)).toBe(false);
});

test('--help and --version answer on standard output', () => {
  expect(createOsgs(['--help']).stdout).toContain('--services a,b,c');
  expect(createOsgs(['--version']).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
