import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { packageRoot } from '../../catalog/root.js';
import { merge, type Change } from '../../generators/stack/merge.js';
import { emptyFolder, run, type Ran } from '../run.js';

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

const compose = `services:
  nginx:
    image: nginx:1.30.5
    networks: [web]
  db:
    image: docker.io/postgis/postgis:18-3.6
  db-setup:
    image: docker.io/postgis/postgis:18-3.6
  own:
    image: localhost:5000/own:1
  tiles:
    image: ghcr.io/maplibre/martin:1.16.1@${digest('c')}
`;

/** A repository whose `docker` knows these builds: RepoDigests by NAME:TAG, and what a pull then brings. */
class Host {
  readonly folder = emptyFolder();

  constructor(text = compose) {
    for (const name of ['scripts', 'bin', 'here', 'registry', '.osgs/base'])
      mkdirSync(join(this.folder, name), { recursive: true });
    writeFileSync(join(this.folder, 'compose.yaml'), text);
    writeFileSync(join(this.folder, '.osgs/base/compose.yaml'), compose);
    for (const name of ['lock.sh', 'upgrade.sh'])
      writeFileSync(
        join(this.folder, 'scripts', name),
        readFileSync(join(packageRoot(), 'templates/scripts', name), 'utf8'),
      );
    for (const name of ['test', 'backup', 'up', 'wait', 'check']) this.script(name, 'exit 0');
    // A file's name is NAME:TAG without slashes; its lines are the digests.
    writeFileSync(
      join(this.folder, 'bin/docker'),
      `#!/bin/sh
echo "$*" >>calls
for last; do :; done
file=$(printf '%s' "$last" | tr / _)
case "$*" in
"pull -q "*) [ -f "registry/$file" ] && cp "registry/$file" "here/$file" ;;
"image inspect"*) [ -f "here/$file" ] && cat "here/$file" ;;
"compose ps --services"*) echo db ;;
"compose ps -q db") echo abc ;;
"inspect"*) echo sha256:old ;;
esac
`,
      { mode: 0o755 },
    );
  }

  script(name: string, body: string): void {
    writeFileSync(join(this.folder, `scripts/${name}.sh`), `${body}\n`);
  }

  build(where: 'here' | 'registry', image: string, ...digests: string[]): void {
    writeFileSync(
      join(this.folder, where, image.replaceAll('/', '_')),
      digests.map((one) => `${one}\n`).join(''),
    );
  }

  run(script: string, args: string[] = [], env: Record<string, string> = {}): Ran {
    const PATH = `${join(this.folder, 'bin')}:${process.env['PATH'] ?? ''}`;
    return run('sh', [`scripts/${script}.sh`, ...args], {
      cwd: this.folder,
      env: { ...process.env, ...env, PATH },
    });
  }

  get images(): string[] {
    const text = readFileSync(join(this.folder, 'compose.yaml'), 'utf8');
    return [...text.matchAll(/image: (.*)$/gm)].map(([, image = '']) => image);
  }

  get calls(): string {
    return readFileSync(join(this.folder, 'calls'), 'utf8');
  }
}

/** A host that has all builds, of the letter a, and a registry with newer ones, of the letter b. */
function ready(): Host {
  const host = new Host();
  host.build('here', 'nginx:1.30.5', `other/nginx@${digest('f')}`, `nginx@${digest('a')}`);
  host.build('here', 'docker.io/postgis/postgis:18-3.6', `postgis/postgis@${digest('a')}`);
  host.build('here', 'localhost:5000/own:1');
  host.build('registry', 'nginx:1.30.5', `nginx@${digest('b')}`);
  host.build('registry', 'docker.io/postgis/postgis:18-3.6', `postgis/postgis@${digest('b')}`);
  host.build('registry', 'localhost:5000/own:1');
  host.build('registry', 'ghcr.io/maplibre/martin:1.16.1', `ghcr.io/maplibre/martin@${digest('b')}`);
  return host;
}

const pinned = (letter: string, martin = 'c'): string[] => [
  `nginx:1.30.5@${digest(letter)}`,
  `docker.io/postgis/postgis:18-3.6@${digest(letter)}`,
  `docker.io/postgis/postgis:18-3.6@${digest(letter)}`,
  'localhost:5000/own:1',
  `ghcr.io/maplibre/martin:1.16.1@${digest(martin)}`,
];

describe('make lock', () => {
  test('writes the digest of the build on this host behind each tag, fetches nothing, and says what has none', () => {
    const host = ready();
    const ran = host.run('lock');
    expect(ran).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('3 of 4 images are pinned') as unknown,
    });
    expect(ran.stderr).toBe('localhost:5000/own:1 stays without a digest: it was built or loaded here\n');
    expect(host.images).toEqual(pinned('a'));
    expect(host.calls).not.toContain('pull');
    expect(host.run('lock').stdout).toContain('compose.yaml is unchanged');
  });

  test('fetches an image that is not on this host, and changes nothing where that fails', () => {
    const host = new Host();
    for (const image of ['docker.io/postgis/postgis:18-3.6', 'localhost:5000/own:1'])
      host.build('registry', image, `postgis/postgis@${digest('b')}`);
    expect(host.run('lock').code).not.toBe(0);
    expect(readFileSync(join(host.folder, 'compose.yaml'), 'utf8')).toBe(compose);
    host.build('registry', 'nginx:1.30.5', `nginx@${digest('b')}`);
    expect(host.run('lock')).toMatchObject({ code: 0 });
    expect(host.images).toEqual(pinned('b'));
  });

  test('off=1 removes the digests', () => {
    const host = ready();
    host.run('lock');
    expect(host.run('lock', ['off'])).toMatchObject({ code: 0 });
    expect(host.images.filter((image) => image.includes('@'))).toEqual([]);
  });
});

describe('make upgrade', () => {
  test('leaves digests of the catalogue alone where the owner has pinned nothing', () => {
    const host = ready();
    expect(host.run('upgrade')).toMatchObject({ code: 0 });
    expect(readFileSync(join(host.folder, 'compose.yaml'), 'utf8')).toBe(compose);
    expect(host.calls).toContain('compose pull');
  });

  test('moves the digests to the newest builds, before the stack is started', () => {
    const host = ready();
    host.run('lock');
    host.script('up', 'grep -q "1.30.5@sha256:bbbb" compose.yaml');
    expect(host.run('upgrade')).toMatchObject({ code: 0 });
    expect(host.images).toEqual(pinned('b', 'b'));
  });

  test.each(['up', 'wait', 'check'])(
    'puts the old digests back where %s fails with the new builds',
    (name) => {
      const host = ready();
      host.run('lock');
      host.script(name, 'exit 1');
      const before = host.images;
      expect(host.run('upgrade').code).toBe(1);
      expect(host.images).toEqual(before);
      expect(host.calls).toMatch(/compose -f compose\.yaml -f \S+ up -d/);
    },
  );

  test('leaves the digests as they are where a build cannot be fetched', () => {
    const host = ready();
    host.run('lock');
    const before = host.images;
    writeFileSync(join(host.folder, 'compose.yaml'), `${compose}  more:\n    image: gone:1\n`);
    host.run('lock', ['off']);
    writeFileSync(
      join(host.folder, 'compose.yaml'),
      `${compose.replace('1.30.5', `1.30.5@${digest('a')}`)}  more:\n    image: gone:1\n`,
    );
    expect(host.run('upgrade').code).not.toBe(0);
    expect(host.images[0]).toBe(before[0]);
    expect(host.images.at(-1)).toBe('gone:1');
  });

  test('with PULL=no takes what is on this host, and keeps a digest that has no other build here', () => {
    const host = ready();
    host.run('lock');
    expect(host.run('upgrade', [], { PULL: 'no' })).toMatchObject({ code: 0 });
    expect(host.images).toEqual(pinned('a'));
    expect(host.calls).not.toContain('pull -q');
  });
});

describe('create-osgs and pinned images', () => {
  const base = 'services:\n  db:\n    image: a/db:1\n    user: "1"\n  web:\n    image: a/web:1\n';
  const merged = (next: string, mine: string, before = base): Change | undefined =>
    merge(['compose.yaml'], new Map([['compose.yaml', { content: next, mode: 0o644, kind: 'managed' }]]), {
      base: () => ({ text: before, executable: false }),
      mine: () => ({ kind: 'text', text: mine, executable: false }),
    })[0];
  const lock = (text: string, letter = 'a'): string =>
    text.replace(/(image: [^@\n]*)$/gm, `$1@${digest(letter)}`);

  test('a digest stays where the tag stays', () => {
    expect(merged(base, lock(base))?.action).toBe('unchanged');
    const next = base.replace('user: "1"', 'user: "2"');
    expect(merged(next, lock(base))).toMatchObject({ action: 'updated', file: { content: lock(next) } });
  });

  test('with a new tag the digest of the old one is gone, and there is no conflict', () => {
    const next = base.replace('a/db:1', 'a/db:2');
    const change = merged(next, lock(base));
    expect(change?.action).toBe('updated');
    expect(change?.file?.content).toBe(lock(base).replace(`a/db:1@${digest('a')}`, 'a/db:2'));
  });

  test('an edit beside a digest is merged as before', () => {
    const mine = lock(base).replace('user: "1"', 'user: "7"');
    const change = merged(base.replace('a/web:1', 'a/web:2'), mine);
    expect(change).toMatchObject({ action: 'merged' });
    expect(change?.file?.content).toBe(mine.replace(`a/web:1@${digest('a')}`, 'a/web:2'));
  });

  test('a digest of the catalogue is replaced by the next one, and that of the owner is kept', () => {
    const before = lock(base, 'b');
    expect(merged(lock(base, 'c'), before, before)?.file?.content).toBe(lock(base, 'c'));
    expect(merged(lock(base, 'c'), lock(base, 'a'), before)?.action).toBe('unchanged');
  });
});
