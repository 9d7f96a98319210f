import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { emptyFolder, secretValues } from '../run.js';
import { madeUpHead } from '../stacks.js';
import { StackFolder } from './stack-folder.js';

let stack: StackFolder;

beforeEach(() => {
  stack = new StackFolder();
});

describe('add and remove', () => {
  test('a service is added beside edits, which stay', () => {
    stack.edit('compose.yaml', 'max-size: 10m', 'max-size: 50m');
    stack.edit('nginx/routes/qgis-server.conf', /^/, '# mine\n');
    const env = stack.read('.env');
    const ran = stack.osgs('add', 'martin', 'mapproxy', '--yes');
    expect(ran).toMatchObject({ code: 0, stdout: '' });
    expect(ran.stderr).toContain('merged compose.yaml');
    expect(ran.stderr).toContain('kept nginx/routes/qgis-server.conf');
    expect(stack.read('compose.yaml')).toContain('max-size: 50m');
    expect(stack.read('compose.yaml')).toContain('maplibre/martin');
    expect(stack.read('osgs.yaml')).toContain('- martin\n');
    expect(stack.read('.env').startsWith(env)).toBe(true);
  });

  test('a service added and removed again leaves the tree as it was, byte for byte, but for .env', () => {
    stack.edit('osgs.yaml', '  - postgis\n', '  - postgis # the database\n');
    stack.edit('osgs.yaml', 'tls: self-signed', "tls: 'self-signed'  # for now");
    stack.osgs('--yes');
    const before = stack.tree(['.env']);
    expect(stack.osgs('add', 'martin', 'hugo', '--yes').code).toBe(0);
    expect(stack.read('osgs.yaml')).toContain('postgis # the database\n');
    expect(stack.read('osgs.yaml')).toContain("tls: 'self-signed' # for now");
    expect(stack.osgs('remove', 'hugo', 'martin', '--yes').code).toBe(0);
    const after = stack.tree(['.env']);
    // The yaml package writes one space before a comment.
    after.set('osgs.yaml', {
      ...after.get('osgs.yaml')!,
      content: stack.read('osgs.yaml').replace(' # for', '  # for'),
    });
    expect(after).toEqual(before);
  });

  test('a removed service keeps its values as comments, and finds them again when it comes back', () => {
    stack.osgs('add', 'martin', '--yes');
    const password = /^MARTIN_DB_PASSWORD=(.+)$/m.exec(stack.read('.env'))?.[1] ?? '';
    const removed = stack.osgs('remove', 'martin', '--yes');
    expect(removed.stderr).not.toContain('volumes');
    expect(stack.read('.env')).toContain(
      `kept, for its data may still be there:\n#MARTIN_DB_PASSWORD=${password}\n`,
    );
    const once = stack.read('.env');
    expect(stack.osgs('--yes').code).toBe(0);
    expect(stack.read('.env')).toBe(once);
    stack.osgs('add', 'martin', '--yes');
    expect(stack.read('.env')).toMatch(new RegExp(`^MARTIN_DB_PASSWORD=${password}$`, 'm'));
    expect(stack.read('.env')).not.toContain('Not used by this stack');
  });

  test('a removed service names the volumes that still hold data', () => {
    stack.osgs('add', 'geoserver', '--yes');
    const ran = stack.osgs('remove', 'geoserver', '--yes');
    expect(ran.stderr).toContain('docker volume rm gis_geoserver gis_geoserver-tiles');
  });

  test.each([
    ['remove', ['remove', 'geoserver', 'martin']],
    ['a list without it', ['--services', 'postgis,qgis-server']],
  ])('a service that goes by %s takes its domains, settings and ports along', (_how, args) => {
    const more = [
      '--domain=gis.example.org',
      '--domain=g.example.org=geoserver',
      '--domain=t.example.org=martin',
    ];
    const set = ['--set=geoserver.heap=1g', '--set=qgis-server.project=world', '--expose=postgis'];
    stack.osgs('--yes', '--services=postgis,qgis-server,geoserver,martin', ...more, ...set);
    expect(stack.read('osgs.yaml')).toContain('heap: 1g');
    expect(stack.osgs(...args, '--yes')).toMatchObject({ code: 0 });
    const answers = stack.read('osgs.yaml');
    for (const gone of ['martin', 'geoserver', 'heap']) expect(answers).not.toContain(gone);
    for (const kept of ['t.example.org', 'project: world', 'postgis: 127.0.0.1:5432'])
      expect(answers).toContain(kept);
  });

  test.each([
    ['add', ['nosuch'], "there is no service 'nosuch'"],
    ['add', ['geosever'], 'Did you mean geoserver?'],
    ['remove', ['martin'], 'martin is not in this stack'],
    ['remove', ['nginx'], 'nginx is part of every stack'],
  ])('%s %j is refused and writes nothing', (command, services, message) => {
    const before = stack.tree();
    const ran = stack.osgs(command, ...services, '--yes');
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(message);
    expect(stack.tree()).toEqual(before);
  });

  test('a service that another one needs is not removed', () => {
    stack.osgs('add', 'martin', '--yes');
    const ran = stack.osgs('remove', 'postgis', '--yes');
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.stderr).toContain('martin needs it');
  });
});

describe('diff', () => {
  test('shows what a run would change, with exit code 4, and writes nothing', () => {
    expect(stack.osgs('diff')).toMatchObject({ code: 0, stdout: '' });
    stack.edit('osgs.yaml', '  - qgis-server\n', '  - qgis-server\n  - martin\n');
    const before = stack.tree();
    const ran = stack.osgs('diff');
    expect(ran.code).toBe(4);
    expect(ran.stdout).toContain('--- a/compose.yaml\n+++ b/compose.yaml\n');
    expect(ran.stdout).toContain('+++ b/nginx/routes/martin.conf\n');
    expect(ran.stdout).toContain('+    image: ghcr.io/maplibre/martin');
    expect(stack.tree()).toEqual(before);
  });

  test('shows no value of .env', () => {
    stack.edit('osgs.yaml', '  - qgis-server\n', '  - qgis-server\n  - martin\n');
    const ran = stack.osgs('diff');
    expect(ran.stdout).toContain('+MARTIN_DB_PASSWORD=...');
    for (const secret of secretValues(stack.read('.env'))) expect(ran.stdout).not.toContain(secret);
  });
});

test('--json prints one object, with what changed and what is to be done by hand', () => {
  stack.osgs('add', 'geoserver', '--yes');
  const ran = stack.osgs('remove', 'geoserver', '--yes', '--json');
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(ran.stdout)).toMatchObject({
    written: true,
    changes: expect.arrayContaining([{ path: 'nginx/routes/geoserver.conf', action: 'removed' }]),
    notes: [expect.stringContaining('docker volume rm gis_geoserver')],
  });
});

describe('undo', () => {
  test('puts the last run back, and edits made since stay', () => {
    const before = stack.tree(['.env']);
    stack.osgs('add', 'martin', '--yes');
    appendFileSync(stack.file('.editorconfig'), '# mine\n');
    const ran = stack.osgs('undo', '--yes');
    expect(ran.stderr).toContain("undo of 'add martin'");
    expect(ran.code).toBe(0);
    const after = stack.tree(['.env']);
    expect(after.get('.editorconfig')?.content).toContain('# mine');
    expect(after.set('.editorconfig', before.get('.editorconfig')!)).toEqual(before);
    expect(stack.read('.env')).toMatch(/^#MARTIN_DB_PASSWORD=/m);
  });

  test('undone once more, the run is back, with the same secret', () => {
    stack.osgs('add', 'martin', '--yes');
    const before = stack.tree();
    stack.osgs('undo', '--yes');
    stack.osgs('undo', '--yes');
    expect(stack.tree()).toEqual(before);
  });

  test('there is nothing to put back after the first run', () => {
    expect(stack.osgs('undo', '--yes')).toMatchObject({ code: 1 });
  });
});

test('an upgrade names what is to be done by hand, and a file may become a folder', () => {
  const more = join(emptyFolder(), 'more');
  mkdirSync(join(more, 'services'), { recursive: true });
  const service = (tag: string): void =>
    writeFileSync(
      join(more, 'services/store.yaml'),
      `${madeUpHead('store', 'files', 'A store.')}upgrade: [{ part: "^[0-9]+", note: "Dump the data of the old version first." }]
image: { name: example/store, tag: "${tag}", evidence: A test. }
memory: 32
compose:
  services:
    store:
      user: "1000:1000"
      healthcheck: { test: [CMD, "true"], interval: 30s, timeout: 5s, retries: 3 }
      deploy: { resources: { limits: { memory: 64M } } }
stateless: A test.
`,
    );
  service('1.2');
  expect(stack.osgs('add', 'store', '--yes', '--catalog', more)).toMatchObject({ code: 0 });
  service('1.3');
  const minor = stack.osgs('upgrade', '--yes', '--catalog', more);
  expect(minor.stderr).toContain('new image: example/store:1.2 -> example/store:1.3');
  expect(minor.stderr).not.toContain('Dump the data');
  // The service's file becomes a folder, and a file again.
  const own = join(more, 'templates/services/store');
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'conf'), 'one\n');
  expect(stack.osgs('upgrade', '--yes', '--catalog', more)).toMatchObject({ code: 0 });
  const before = stack.tree(['.env']);
  rmSync(join(own, 'conf'));
  mkdirSync(join(own, 'conf'));
  writeFileSync(join(own, 'conf/main'), 'two\n');
  expect(stack.osgs('upgrade', '--yes', '--catalog', more)).toMatchObject({ code: 0 });
  expect(stack.read('services/store/conf/main')).toBe('two\n');
  expect(stack.osgs('undo', '--yes')).toMatchObject({ code: 0 });
  expect(stack.tree(['.env'])).toEqual(before);
  service('2.0');
  expect(stack.osgs('upgrade', '--yes', '--catalog', more).stderr).toContain(
    'Store: Dump the data of the old version first.',
  );
  expect(stack.read('compose.yaml')).toContain('example/store:2.0');
});
