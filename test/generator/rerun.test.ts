import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { createOsgs, emptyFolder, readTree, secretValues, type Ran } from '../run.js';

let folder: string;

function make(): string {
  const made = join(emptyFolder(), 'gis');
  const ran = createOsgs([made, '--yes', '--services', 'postgis,qgis-server', '--domain', 'gis.example.org']);
  if (ran.code !== 0) throw new Error(ran.stderr);
  return made;
}

beforeEach(() => {
  folder = make();
});

const osgs = (...args: string[]): Ran => createOsgs(args, { cwd: folder });
const file = (path: string): string => join(folder, path);
const read = (path: string): string => readFileSync(file(path), 'utf8');

function edit(path: string, from: string | RegExp, to: string): void {
  const text = read(path);
  const edited = text.replace(from, to);
  if (edited === text) throw new Error(`${path} has no ${String(from)}`);
  writeFileSync(file(path), edited);
}

/** The tree but for what is of this machine alone. */
function tree(but: string[] = []): ReturnType<typeof readTree> {
  const files = readTree(folder);
  for (const path of files.keys())
    if (path.startsWith('.osgs/local/') || path.startsWith('.git/') || but.includes(path)) files.delete(path);
  return files;
}

describe('add and remove', () => {
  test('a service is added beside edits, which stay', () => {
    edit('compose.yaml', 'max-size: 10m', 'max-size: 50m');
    edit('nginx/routes/qgis-server.conf', /^/, '# mine\n');
    const env = read('.env');
    const ran = osgs('add', 'martin', 'mapproxy', '--yes');
    expect(ran).toMatchObject({ code: 0, stdout: '' });
    expect(ran.stderr).toContain('merged compose.yaml');
    expect(ran.stderr).toContain('kept nginx/routes/qgis-server.conf');
    expect(read('compose.yaml')).toContain('max-size: 50m');
    expect(read('compose.yaml')).toContain('maplibre/martin');
    expect(read('osgs.yaml')).toContain('- martin\n');
    expect(read('.env').startsWith(env)).toBe(true);
  });

  test('a service added and removed again leaves the tree as it was, byte for byte, but for .env', () => {
    edit('osgs.yaml', '  - postgis\n', '  - postgis # the database\n');
    edit('osgs.yaml', 'tls: self-signed', "tls: 'self-signed'  # for now");
    osgs('--yes');
    const before = tree(['.env']);
    expect(osgs('add', 'martin', 'hugo', '--yes').code).toBe(0);
    expect(read('osgs.yaml')).toContain('postgis # the database\n');
    expect(read('osgs.yaml')).toContain("tls: 'self-signed' # for now");
    expect(osgs('remove', 'hugo', 'martin', '--yes').code).toBe(0);
    const after = tree(['.env']);
    // The yaml package writes one space before a comment.
    after.set('osgs.yaml', {
      ...after.get('osgs.yaml')!,
      content: read('osgs.yaml').replace(' # for', '  # for'),
    });
    expect(after).toEqual(before);
  });

  test('a removed service keeps its values as comments, and finds them again when it comes back', () => {
    osgs('add', 'martin', '--yes');
    const password = /^MARTIN_DB_PASSWORD=(.+)$/m.exec(read('.env'))?.[1] ?? '';
    const removed = osgs('remove', 'martin', '--yes');
    expect(removed.stderr).not.toContain('volumes');
    expect(read('.env')).toContain(
      `kept, for its data may still be there:\n#MARTIN_DB_PASSWORD=${password}\n`,
    );
    const once = read('.env');
    expect(osgs('--yes').code).toBe(0);
    expect(read('.env')).toBe(once);
    osgs('add', 'martin', '--yes');
    expect(read('.env')).toMatch(new RegExp(`^MARTIN_DB_PASSWORD=${password}$`, 'm'));
    expect(read('.env')).not.toContain('Not used by this stack');
  });

  test('a removed service names the volumes that still hold data', () => {
    osgs('add', 'geoserver', '--yes');
    const ran = osgs('remove', 'geoserver', '--yes');
    expect(ran.stderr).toContain('docker volume rm gis_geoserver gis_geoserver-tiles');
  });

  test('a removed service takes its domain and settings along', () => {
    createOsgs([
      folder,
      '--yes',
      '--services=postgis,qgis-server,martin',
      '--domain=gis.example.org',
      '--domain=t.example.org=martin',
      '--set=geoserver.heap=1g',
      '--set=qgis-server.project=world',
    ]);
    writeFileSync(file('osgs.yaml'), `${read('osgs.yaml')}`);
    expect(osgs('remove', 'martin', '--yes')).toMatchObject({ code: 0 });
    expect(read('osgs.yaml')).not.toContain('martin');
    expect(read('osgs.yaml')).toContain('t.example.org');
  });

  test.each([
    ['add', ['nosuch'], "there is no service 'nosuch'"],
    ['add', ['geosever'], 'Did you mean geoserver?'],
    ['remove', ['martin'], 'martin is not in this stack'],
    ['remove', ['nginx'], 'nginx is part of every stack'],
  ])('%s %j is refused and writes nothing', (command, services, message) => {
    const before = tree();
    const ran = osgs(command, ...services, '--yes');
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(message);
    expect(tree()).toEqual(before);
  });

  test('a service that another one needs is not removed', () => {
    osgs('add', 'martin', '--yes');
    const ran = osgs('remove', 'postgis', '--yes');
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.stderr).toContain('martin needs it');
  });
});

describe('a conflict', () => {
  const line = 'probe Portal';
  beforeEach(() => {
    // The next service's check goes right below this line.
    edit('scripts/check.sh', /^probe 'QGIS Server'.*$/m, '# my own check');
  });

  test('stops the run before the first byte, with exit code 3', () => {
    const before = tree();
    const ran = osgs('add', 'martin', '--yes');
    expect(ran.code).toBe(3);
    expect(ran.stderr).toContain('scripts/check.sh: you and create-osgs changed the same lines');
    expect(tree()).toEqual(before);
    expect(existsSync(file('.osgs/local'))).toBe(false);
  });

  test('is settled for the owner by --conflict mine', () => {
    const mine = read('scripts/check.sh');
    expect(osgs('add', 'martin', '--yes', '--conflict', 'mine').code).toBe(0);
    expect(read('scripts/check.sh')).toBe(mine);
    expect(osgs('--yes').stderr).toContain('kept scripts/check.sh');
  });

  test('is settled for the new file by --conflict theirs', () => {
    expect(osgs('add', 'martin', '--yes', '--conflict', 'theirs').code).toBe(0);
    expect(read('scripts/check.sh')).toContain("probe 'Martin'");
    expect(read('scripts/check.sh')).not.toContain('my own check');
  });

  test('is written with --conflict markers, exit code 3, and stays one until the markers are gone', () => {
    const ran = osgs('add', 'martin', '--yes', '--conflict', 'markers');
    expect(ran.code).toBe(3);
    const marked = read('scripts/check.sh');
    expect(marked).toMatch(/<<<<<<< yours\n# my own check\n\|{7} as generated last time\n/);
    expect(marked).toContain(line);
    expect(osgs('--yes').code).toBe(3);
    expect(read('scripts/check.sh')).toBe(marked);
    writeFileSync(file('scripts/check.sh'), marked.replace(/^(<<<<<<<|\|{7}|=======|>>>>>>>).*\n/gm, ''));
    expect(osgs('--yes').code).toBe(0);
  });
});

describe('diff', () => {
  test('shows what a run would change, with exit code 4, and writes nothing', () => {
    expect(osgs('diff')).toMatchObject({ code: 0, stdout: '' });
    edit('osgs.yaml', '  - qgis-server\n', '  - qgis-server\n  - martin\n');
    const before = tree();
    const ran = osgs('diff');
    expect(ran.code).toBe(4);
    expect(ran.stdout).toContain('--- a/compose.yaml\n+++ b/compose.yaml\n');
    expect(ran.stdout).toContain('+++ b/nginx/routes/martin.conf\n');
    expect(ran.stdout).toContain('+    image: ghcr.io/maplibre/martin');
    expect(tree()).toEqual(before);
  });

  test('shows no value of .env', () => {
    edit('osgs.yaml', '  - qgis-server\n', '  - qgis-server\n  - martin\n');
    const ran = osgs('diff');
    expect(ran.stdout).toContain('+MARTIN_DB_PASSWORD=...');
    for (const secret of secretValues(read('.env'))) expect(ran.stdout).not.toContain(secret);
  });
});

describe('undo', () => {
  test('puts the last run back, and edits made since stay', () => {
    const before = tree(['.env']);
    osgs('add', 'martin', '--yes');
    appendFileSync(file('.editorconfig'), '# mine\n');
    const ran = osgs('undo', '--yes');
    expect(ran.stderr).toContain("undo of 'add martin'");
    expect(ran.code).toBe(0);
    const after = tree(['.env']);
    expect(after.get('.editorconfig')?.content).toContain('# mine');
    expect(after.set('.editorconfig', before.get('.editorconfig')!)).toEqual(before);
    expect(read('.env')).toMatch(/^#MARTIN_DB_PASSWORD=/m);
  });

  test('undone once more, the run is back, with the same secret', () => {
    osgs('add', 'martin', '--yes');
    const before = tree();
    osgs('undo', '--yes');
    osgs('undo', '--yes');
    expect(tree()).toEqual(before);
  });

  test('there is nothing to put back after the first run', () => {
    expect(osgs('undo', '--yes')).toMatchObject({ code: 1 });
  });
});

describe('two runs at once', () => {
  function lockBy(pid: number, host = hostname()): void {
    mkdirSync(file('.osgs/local'));
    writeFileSync(file('.osgs/local/lock'), JSON.stringify({ pid, host, started: 'x' }));
  }

  test('the second one is refused while the first is alive, wherever it runs', () => {
    mkdirSync(file('.osgs/local'));
    const stat = readFileSync(`/proc/${process.pid}/stat`, 'utf8');
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    writeFileSync(file('.osgs/local/lock'), JSON.stringify({ pid: process.pid, host: hostname(), started }));
    expect(osgs('add', 'martin', '--yes')).toMatchObject({ code: 1 });
    rmSync(file('.osgs/local'), { recursive: true });
    lockBy(1, 'elsewhere');
    const ran = osgs('add', 'martin', '--yes');
    expect(ran.stderr).toContain('another run is at work here');
    expect(read('osgs.yaml')).not.toContain('martin');
  });

  test('a lock whose process is gone, or is another one by now, is taken over', () => {
    lockBy(4194999);
    expect(osgs('add', 'martin', '--yes')).toMatchObject({ code: 0 });
    writeFileSync(
      file('.osgs/local/lock'),
      JSON.stringify({ pid: process.pid, host: hostname(), started: '1' }),
    );
    expect(osgs('remove', 'martin', '--yes')).toMatchObject({ code: 0 });
    expect(existsSync(file('.osgs/local/lock'))).toBe(false);
  });
});

describe('without .osgs', () => {
  test('what is identical is taken over', () => {
    const before = tree();
    rmSync(file('.osgs'), { recursive: true });
    expect(osgs('--yes').code).toBe(0);
    expect(tree()).toEqual(before);
  });

  test('what differs is a conflict', () => {
    edit('compose.yaml', 'max-size: 10m', 'max-size: 50m');
    rmSync(file('.osgs'), { recursive: true });
    const ran = osgs('--yes');
    expect(ran.code).toBe(3);
    expect(ran.stderr).toContain('compose.yaml: it was here before create-osgs made one');
    expect(ran.stderr.split('\n').filter((text) => text.includes('it was here before'))).toHaveLength(1);
    expect(osgs('--yes', '--conflict', 'mine').code).toBe(0);
    expect(read('compose.yaml')).toContain('max-size: 50m');
    expect(osgs('add', 'martin', '--yes').code).toBe(0);
    expect(read('compose.yaml')).toContain('max-size: 50m');
  });
});

describe('what stands in the way', () => {
  test('a symbolic link in the place of a file is not followed and not replaced', () => {
    const outside = join(emptyFolder(), 'outside');
    writeFileSync(outside, 'precious');
    rmSync(file('site/index.html'));
    symlinkSync(outside, file('site/index.html'));
    expect(osgs('add', 'martin', '--yes')).toMatchObject({ code: 3 });
    expect(osgs('add', 'martin', '--yes', '--conflict', 'mine')).toMatchObject({ code: 0 });
    expect(readFileSync(outside, 'utf8')).toBe('precious');
  });

  test('a folder in the place of a file is never removed', () => {
    rmSync(file('site/index.html'));
    mkdirSync(file('site/index.html'));
    writeFileSync(file('site/index.html/mine'), 'x');
    expect(osgs('add', 'martin', '--yes', '--conflict', 'theirs')).toMatchObject({ code: 3 });
    expect(osgs('add', 'martin', '--yes', '--conflict', 'mine')).toMatchObject({ code: 0 });
    expect(read('site/index.html/mine')).toBe('x');
  });

  test('an executable bit that was taken away stays away when the script is updated', () => {
    chmodSync(file('scripts/check.sh'), 0o644);
    expect(osgs('add', 'martin', '--yes')).toMatchObject({ code: 0 });
    expect(tree().get('scripts/check.sh')).toMatchObject({
      mode: 0o644,
      content: expect.stringContaining('Martin'),
    });
  });

  test('a file that was deleted stays deleted', () => {
    rmSync(file('site/index.html'));
    const ran = osgs('add', 'martin', '--yes');
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stderr).toContain('deleted site/index.html');
    expect(existsSync(file('site/index.html'))).toBe(false);
  });

  test('a renamed domain takes the edits of its site along', () => {
    edit('nginx/sites/gis.example.org.conf', /^( *)(include routes\/qgis-server.conf;)$/m, '$1# mine\n$1$2');
    edit('osgs.yaml', 'gis.example.org', 'maps.example.org');
    const ran = osgs('--yes');
    expect(ran).toMatchObject({ code: 0 });
    expect(read('nginx/sites/maps.example.org.conf')).toContain('# mine');
    expect(read('nginx/sites/maps.example.org.conf')).toContain('server_name maps.example.org;');
    expect(existsSync(file('nginx/sites/gis.example.org.conf'))).toBe(false);
  });

  test('.env as a symbolic link is not replaced', () => {
    const store = join(emptyFolder(), 'secrets');
    writeFileSync(store, read('.env'));
    rmSync(file('.env'));
    symlinkSync(store, file('.env'));
    expect(osgs('--yes')).toMatchObject({ code: 0 });
    const ran = osgs('add', 'martin', '--yes');
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.stderr).toContain('.env: is a symbolic link');
    expect(lstatSync(file('.env')).isSymbolicLink()).toBe(true);
  });

  test("what came with a repository in .osgs reaches neither git's own folder nor another one", () => {
    mkdirSync(file('.git/hooks'), { recursive: true });
    mkdirSync(file('.osgs/local/staged'), { recursive: true });
    const operations = ['.git/hooks/post-merge', 'x/../.git/hooks/post-merge', '../outside'].map(
      (path, index) => {
        writeFileSync(file(`.osgs/local/staged/${index}`), 'evil');
        return { path, after: createHash('sha256').update('evil').digest('hex'), afterMode: 0o755 };
      },
    );
    writeFileSync(file('.osgs/local/journal.json'), JSON.stringify({ version: 1, what: 'x', operations }));
    expect(osgs('--yes', '--no-git')).toMatchObject({ code: 0 });
    expect(readdirSync(file('.git/hooks'))).toEqual([]);
    expect(existsSync(join(folder, '../outside'))).toBe(false);
    expect(existsSync(file('.osgs/local'))).toBe(false);
  });

  test('a repository of a newer create-osgs is refused', () => {
    edit('.osgs/manifest.json', /"generator": "[^"]+"/, '"generator": "99.0.0"');
    const ran = osgs('--yes');
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.stderr).toContain('made by create-osgs 99.0.0');
  });
});

describe('in a git work tree', () => {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
      cwd: folder,
      encoding: 'utf8',
    });
  beforeEach(() => {
    git('init', '-q');
    git('config', 'user.name', 't');
    git('config', 'user.email', 't@example.org');
    git('add', '-A');
    git('commit', '-q', '-m', 'Create');
  });

  test('changes that are not committed are named, and the run goes on only when told', () => {
    appendFileSync(file('Makefile'), '# mine\n');
    const before = tree();
    const refused = osgs('add', 'martin');
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain('Not committed yet:\n  Makefile\n');
    expect(tree()).toEqual(before);
    expect(osgs('add', 'martin', '--yes')).toMatchObject({ code: 0 });
    expect(osgs('add', 'hugo', '--no-git')).toMatchObject({ code: 0 });
  });

  test('--commit commits what was written and nothing else, with a message that says what', () => {
    writeFileSync(file('notes.txt'), 'mine');
    git('add', 'notes.txt');
    expect(osgs('add', 'martin', '--yes', '--commit')).toMatchObject({ code: 0 });
    expect(git('log', '-1', '--format=%s').trim()).toBe('Add martin');
    expect(git('show', '--stat', '--format=', 'HEAD')).not.toContain('notes.txt');
    expect(git('status', '--porcelain').trim()).toBe('A  notes.txt');
  });

  test('--commit takes in what was removed, tracked or not', () => {
    osgs('add', 'martin', '--yes');
    expect(osgs('remove', 'martin', '--yes', '--commit')).toMatchObject({ code: 0 });
    expect(git('status', '--porcelain').trim()).toBe('');
  });

  test('without --commit nothing is committed', () => {
    osgs('add', 'martin', '--yes');
    expect(git('log', '--format=%s').trim()).toBe('Create');
    expect(git('status', '--porcelain')).not.toContain('local');
  });

  test('a file that git ignores is left as it is', () => {
    git('rm', '-q', '--cached', 'site/index.html');
    appendFileSync(file('.gitignore'), 'site/\n');
    const mine = read('site/index.html');
    const ran = osgs('add', 'martin', '--yes');
    expect(ran.stderr).toContain('kept site/index.html (git ignores it)');
    expect(read('site/index.html')).toBe(mine);
  });
});

test('a new image version names what is to be done by hand', () => {
  const more = join(emptyFolder(), 'more');
  mkdirSync(join(more, 'services'), { recursive: true });
  const service = (tag: string): void =>
    writeFileSync(
      join(more, 'services/store.yaml'),
      `id: store
title: Store
category: files
summary: A store.
homepage: https://example.org
docs: https://example.org
source: https://example.org
issues: https://example.org
license: MIT
maturity: stable
upgrade: [{ part: "^[0-9]+", note: "Dump the data of the old version first." }]
image: { name: example/store, tag: "${tag}", evidence: A test. }
memory: 32
compose:
  services:
    store:
      user: "1000:1000"
      networks: [data]
      healthcheck: { test: [CMD, "true"], interval: 30s, timeout: 5s, retries: 3 }
      deploy: { resources: { limits: { memory: 64M } } }
stateless: A test.
`,
    );
  service('1.2');
  expect(osgs('add', 'store', '--yes', '--catalog', more)).toMatchObject({ code: 0 });
  service('1.3');
  const minor = osgs('upgrade', '--yes', '--catalog', more);
  expect(minor.stderr).toContain('new image: example/store:1.2 -> example/store:1.3');
  expect(minor.stderr).not.toContain('Dump the data');
  service('2.0');
  expect(osgs('upgrade', '--yes', '--catalog', more).stderr).toContain(
    'Store: Dump the data of the old version first.',
  );
  expect(read('compose.yaml')).toContain('example/store:2.0');
});
