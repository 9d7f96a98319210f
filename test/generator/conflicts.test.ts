import { createHash } from 'node:crypto';
import {
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
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { emptyFolder } from '../run.js';
import { StackFolder } from './stack-folder.js';

let stack: StackFolder;

beforeEach(() => {
  stack = new StackFolder();
});

describe('a conflict', () => {
  const line = 'probe Portal';
  beforeEach(() => {
    // The next service's check goes right below the last one of this service.
    stack.edit('scripts/check.sh', /^probe 'QGIS Server'.*$(?!\nprobe 'QGIS)/m, '# my own check');
  });

  test('stops the run before the first byte, with exit code 3', () => {
    const before = stack.tree();
    const ran = stack.osgs('add', 'martin', '--yes');
    expect(ran.code).toBe(3);
    expect(ran.stderr).toContain('scripts/check.sh: you and create-osgs changed the same lines');
    expect(stack.tree()).toEqual(before);
    expect(existsSync(stack.file('.osgs/local'))).toBe(false);
  });

  test('is settled for the owner by --conflict mine', () => {
    const mine = stack.read('scripts/check.sh');
    expect(stack.osgs('add', 'martin', '--yes', '--conflict', 'mine').code).toBe(0);
    expect(stack.read('scripts/check.sh')).toBe(mine);
    expect(stack.osgs('--yes').stderr).toContain('kept scripts/check.sh');
  });

  test('is settled for the owner with the values that his compose file goes on using', () => {
    const file = '    file: ./.secrets/QGIS_SERVER_DB_PASSWORD';
    stack.edit('compose.yaml', file, `    # Mine, too.\n${file}`);
    expect(stack.osgs('remove', 'qgis-server', '--yes', '--conflict', 'mine').code).toBe(0);
    expect(stack.read('.env')).toMatch(/^QGIS_SERVER_DB_PASSWORD=\w{32}$/m);
    expect(stack.osgs('--yes').code).toBe(0);
    expect(stack.read('.env')).toMatch(/^QGIS_SERVER_DB_PASSWORD=\w{32}$/m);
  });

  test('is settled for the new file by --conflict theirs', () => {
    expect(stack.osgs('add', 'martin', '--yes', '--conflict', 'theirs').code).toBe(0);
    expect(stack.read('scripts/check.sh')).toContain("probe 'Martin'");
    expect(stack.read('scripts/check.sh')).not.toContain('my own check');
  });

  test('is written with --conflict markers, exit code 3, and stays one until the markers are gone', () => {
    const ran = stack.osgs('add', 'martin', '--yes', '--conflict', 'markers');
    expect(ran.code).toBe(3);
    const marked = stack.read('scripts/check.sh');
    expect(marked).toMatch(/<<<<<<< yours\n# my own check\n\|{7} as generated last time\n/);
    expect(marked).toContain(line);
    expect(stack.osgs('--yes').code).toBe(3);
    expect(stack.read('scripts/check.sh')).toBe(marked);
    writeFileSync(
      stack.file('scripts/check.sh'),
      marked.replace(/^(<<<<<<<|\|{7}|=======|>>>>>>>).*\n/gm, ''),
    );
    expect(stack.osgs('--yes').code).toBe(0);
  });
});

describe('without .osgs', () => {
  test('what is identical is taken over', () => {
    const before = stack.tree();
    rmSync(stack.file('.osgs'), { recursive: true });
    expect(stack.osgs('--yes').code).toBe(0);
    expect(stack.tree()).toEqual(before);
  });

  test('what differs is a conflict', () => {
    stack.edit('compose.yaml', 'max-size: 10m', 'max-size: 50m');
    rmSync(stack.file('.osgs'), { recursive: true });
    const ran = stack.osgs('--yes');
    expect(ran.code).toBe(3);
    expect(ran.stderr).toContain('compose.yaml: it was here before create-osgs made one');
    expect(ran.stderr.split('\n').filter((text) => text.includes('it was here before'))).toHaveLength(1);
    expect(stack.osgs('--yes', '--conflict', 'mine').code).toBe(0);
    expect(stack.read('compose.yaml')).toContain('max-size: 50m');
    expect(stack.osgs('add', 'martin', '--yes').code).toBe(0);
    expect(stack.read('compose.yaml')).toContain('max-size: 50m');
  });
});

describe('what stands in the way', () => {
  test('a symbolic link in the place of a file is not followed and not replaced', () => {
    const outside = join(emptyFolder(), 'outside');
    writeFileSync(outside, 'precious');
    rmSync(stack.file('site/index.html'));
    symlinkSync(outside, stack.file('site/index.html'));
    expect(stack.osgs('add', 'martin', '--yes')).toMatchObject({ code: 3 });
    expect(stack.osgs('add', 'martin', '--yes', '--conflict', 'mine')).toMatchObject({ code: 0 });
    expect(readFileSync(outside, 'utf8')).toBe('precious');
  });

  test('a folder in the place of a file is never removed', () => {
    rmSync(stack.file('site/index.html'));
    mkdirSync(stack.file('site/index.html'));
    writeFileSync(stack.file('site/index.html/mine'), 'x');
    expect(stack.osgs('add', 'martin', '--yes', '--conflict', 'theirs')).toMatchObject({ code: 3 });
    expect(stack.osgs('add', 'martin', '--yes', '--conflict', 'mine')).toMatchObject({ code: 0 });
    expect(stack.read('site/index.html/mine')).toBe('x');
  });

  test('an executable bit that was taken away stays away when the script is updated', () => {
    chmodSync(stack.file('scripts/check.sh'), 0o644);
    expect(stack.osgs('add', 'martin', '--yes')).toMatchObject({ code: 0 });
    expect(stack.tree().get('scripts/check.sh')).toMatchObject({
      mode: 0o644,
      content: expect.stringContaining('Martin'),
    });
  });

  test('a file that was deleted stays deleted', () => {
    rmSync(stack.file('site/index.html'));
    const ran = stack.osgs('add', 'martin', '--yes');
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stderr).toContain('deleted site/index.html');
    expect(existsSync(stack.file('site/index.html'))).toBe(false);
  });

  test('a renamed domain takes the edits of its site along', () => {
    stack.edit(
      'nginx/sites/gis.example.org.conf',
      /^( *)(include routes\/qgis-server.conf;)$/m,
      '$1# mine\n$1$2',
    );
    stack.edit('osgs.yaml', 'gis.example.org', 'maps.example.org');
    const ran = stack.osgs('--yes');
    expect(ran).toMatchObject({ code: 0 });
    expect(stack.read('nginx/sites/maps.example.org.conf')).toContain('# mine');
    expect(stack.read('nginx/sites/maps.example.org.conf')).toContain('server_name maps.example.org;');
    expect(existsSync(stack.file('nginx/sites/gis.example.org.conf'))).toBe(false);
  });

  test('.env as a symbolic link is not replaced', () => {
    const store = join(emptyFolder(), 'secrets');
    writeFileSync(store, stack.read('.env'));
    rmSync(stack.file('.env'));
    symlinkSync(store, stack.file('.env'));
    expect(stack.osgs('--yes')).toMatchObject({ code: 0 });
    const ran = stack.osgs('add', 'martin', '--yes');
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.stderr).toContain('.env: is a symbolic link');
    expect(lstatSync(stack.file('.env')).isSymbolicLink()).toBe(true);
  });

  test("what came with a repository in .osgs reaches neither git's own folder nor another one", () => {
    mkdirSync(stack.file('.git/hooks'), { recursive: true });
    mkdirSync(stack.file('.osgs/local/staged'), { recursive: true });
    const operations = ['.git/hooks/post-merge', 'x/../.git/hooks/post-merge', '../outside'].map(
      (path, index) => {
        writeFileSync(stack.file(`.osgs/local/staged/${index}`), 'evil');
        return { path, after: createHash('sha256').update('evil').digest('hex'), afterMode: 0o755 };
      },
    );
    writeFileSync(
      stack.file('.osgs/local/journal.json'),
      JSON.stringify({ version: 1, what: 'x', operations }),
    );
    expect(stack.osgs('--yes', '--no-git')).toMatchObject({ code: 0 });
    expect(readdirSync(stack.file('.git/hooks'))).toEqual([]);
    expect(existsSync(join(stack.folder, '../outside'))).toBe(false);
    expect(existsSync(stack.file('.osgs/local'))).toBe(false);
  });

  test('a repository of a newer create-osgs is refused', () => {
    stack.edit('.osgs/manifest.json', /"generator": "[^"]+"/, '"generator": "99.0.0"');
    const ran = stack.osgs('--yes');
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.stderr).toContain('made by create-osgs 99.0.0');
  });
});
