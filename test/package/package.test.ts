import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { packageRoot } from '../../catalog/root.js';
import { key, Terminal } from '../generator/terminal.js';
import { emptyFolder, run, type Ran } from '../run.js';
import { pack } from './pack.js';
import { Registry } from './registry.js';
import { environment, nodes, starter, type starters } from './tools.js';

const patience = 300_000;
const answers = ['--yes', '--services', 'postgis,martin', '--domain', 'gis.example.org'];

let tarball: string;
let registry: Registry;

beforeAll(async () => {
  tarball = pack();
  registry = await Registry.start(4873);
  registry.publish(tarball);
}, 900_000);

afterAll(() => registry.stop());

/** Somebody with a version of Node, a home of his own, and empty caches. */
class Person {
  readonly home = emptyFolder();
  readonly cwd: string;

  constructor(
    readonly node: string,
    folder = 'work',
  ) {
    this.cwd = join(this.home, folder);
    mkdirSync(this.cwd);
  }

  get env(): NodeJS.ProcessEnv {
    return environment(this.node, this.home, registry.url);
  }

  run(program: string, args: string[]): Ran {
    return run(program, args, { cwd: this.cwd, env: this.env, input: '', timeout: patience });
  }

  start(by: keyof typeof starters, ...args: string[]): Ran {
    const [program = '', ...words] = starter(this.node, by);
    return this.run(program, [...words, ...args]);
  }

  /** The same without any network, not even the machine's own. */
  startAlone(by: keyof typeof starters, ...args: string[]): Ran {
    return this.run('unshare', ['--map-root-user', '--net', ...starter(this.node, by), ...args]);
  }

  /** What is installed in npm's cache of things that were run. */
  installed(): string {
    const [folder = ''] = readdirSync(join(this.home, 'npm cache/_npx'));
    return join(this.home, 'npm cache/_npx', folder, 'node_modules');
  }

  /** Types the command line that a run said would repeat it, for a stack of another name. */
  again(by: keyof typeof starters, said: string, name: string): Ran {
    const [program, ...words] = (/The same again: (.+)/.exec(said)?.[1] ?? said).split(' ');
    expect(program).toBe(by.replace(/^npx$/, 'npm').replace(/-berry$/, ''));
    return this.start(by === 'npx' ? 'npm' : by, ...words.map((word) => (word === 'made' ? name : word)));
  }

  hasStack(name: string): void {
    expect(readFileSync(join(this.cwd, name, 'compose.yaml'), 'utf8')).toContain('services:');
    expect(existsSync(join(this.cwd, name, '.osgs/manifest.json'))).toBe(true);
  }
}

describe('the tarball', () => {
  const files = (): string[] =>
    execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n').sort();

  test('holds the bundle, two schemas and what a reader needs, and no source map', () => {
    const others = files().filter(
      (file) => !/^package\/dist\/bundle\/[\w-]+\.(js|cjs|json|d\.ts)$/.test(file),
    );
    expect(others).toEqual([
      'package/CHANGELOG.md',
      'package/LICENSE',
      'package/README.md',
      'package/catalog/schema/preset.schema.json',
      'package/catalog/schema/service.schema.json',
      'package/dist/bundle/LICENSES.txt',
      'package/dist/bundle/sbom.cdx.json',
      'package/package.json',
    ]);
    const folder = emptyFolder();
    execFileSync('tar', ['-xzf', tarball, '-C', folder]);
    // Neither a map, nor the name of the folder in which it was built.
    const traces = files().filter((file) => {
      const text = readFileSync(join(folder, file), 'utf8');
      return /^\/\/# sourceMappingURL=/m.test(text) || text.includes(packageRoot());
    });
    expect(traces).toEqual([]);
  });

  test('is no larger than 1 MB, and asks for no other package', () => {
    expect(statSync(tarball).size).toBeLessThanOrEqual(1_000_000);
    const text = execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' });
    const about = JSON.parse(text) as Record<string, unknown>;
    for (const kind of ['dependencies', 'optionalDependencies', 'peerDependencies', 'bundleDependencies'])
      expect(about[kind] ?? {}).toEqual({});
  });

  test('holds the licence of every package that is in the bundle', () => {
    const text = execFileSync('tar', ['-xzOf', tarball, 'package/dist/bundle/LICENSES.txt'], {
      encoding: 'utf8',
    });
    for (const name of ['yeoman-generator', 'yeoman-environment', 'inquirer', 'ejs', 'yaml', 'mem-fs'])
      expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, 'm'));
  });
});

describe('the core, for other programs', () => {
  const source = `import { loadCatalog, loadTemplates, render, resolve, type Answers, type FileSet } from 'create-osgs';

const answers: Answers = {
  name: 'gis', services: ['martin'], domains: [{ host: 'gis.example.org' }], tls: 'self-signed', expose: {}, settings: {},
};
const catalog = loadCatalog();
const resolved = resolve(answers, catalog);
if ('problems' in resolved) throw new Error(resolved.problems.map(({ message }) => message).join());
const files: FileSet = render(resolved.stack, loadTemplates(catalog)).files;
console.log(files.get('compose.yaml')?.content.includes('martin') === true);
// @ts-expect-error: an answer of no mode
resolve({ ...answers, tls: 'maybe' }, catalog);
`;

  test('is typed, and runs on every version of Node', () => {
    const person = new Person('node-24');
    writeFileSync(join(person.cwd, 'package.json'), '{ "private": true, "type": "module" }');
    expect(person.start('npm', 'install', tarball)).toMatchObject({ code: 0 });
    expect(readdirSync(join(person.cwd, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
      'create-osgs',
    ]);
    writeFileSync(join(person.cwd, 'use.ts'), source);
    const compiler = join(packageRoot(), 'node_modules/typescript/bin/tsc');
    const types = join(packageRoot(), 'node_modules/@types');
    const checked = person.run(process.execPath, [
      ...[compiler, '--strict', '--module', 'nodenext', '--target', 'es2022', '--exactOptionalPropertyTypes'],
      ...['--typeRoots', types, '--types', 'node', 'use.ts'],
    ]);
    expect(checked).toMatchObject({ stdout: '', code: 0 });
    for (const node of nodes) {
      const ran = new Person(node).run(starter(node, 'npm')[0] ?? '', [join(person.cwd, 'use.js')]);
      expect(ran).toMatchObject({ stdout: 'true\n', stderr: '' });
    }
  });

  test('promises what was reviewed, and nothing else', () => {
    const made = execFileSync('tar', ['-xzOf', tarball, 'package/dist/bundle/core.d.ts'], {
      encoding: 'utf8',
    });
    // Where this fails, others' programs may: if it is meant, copy dist/bundle/core.d.ts here and say so in CHANGELOG.md.
    expect(made).toBe(readFileSync(join(packageRoot(), 'test/package/api.d.ts'), 'utf8'));
  });
});

describe.each(nodes)('on %s', (node) => {
  test(
    'npm create makes a stack with empty caches, downloads one package, and needs no network the next time',
    () => {
      const person = new Person(node);
      const ran = person.start('npm', 'create', 'osgs@latest', 'first', '--', ...answers);
      expect(ran.stderr).toContain('make up');
      expect(ran.stderr).not.toMatch(/warn(?! exec The following package was not found)|deprecat/i);
      expect(ran.code).toBe(0);
      person.hasStack('first');
      const packages = readdirSync(person.installed()).filter((name) => !name.startsWith('.'));
      expect(packages).toEqual(['create-osgs']);
      const alone = person.startAlone('npm', '--offline', 'create', 'osgs', 'second', '--', ...answers);
      expect(alone).toMatchObject({ code: 0 });
      person.hasStack('second');
      const version = person.startAlone('npx', '--offline', 'create-osgs', '--version');
      expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    },
    patience,
  );

  test(
    'npm create asks in a terminal, and makes the stack that was asked for',
    async () => {
      const person = new Person(node);
      const command = [...starter(node, 'npm'), 'create', 'osgs@latest'];
      const terminal = new Terminal([], person.cwd, command, person.env);
      const steps: [string, string][] = [
        ['Ok to proceed?', 'y\r'],
        ['Directory', key.enter],
        ['Name of the stack', key.enter],
        ['What is the stack for', key.down + key.enter],
        ['Services', key.enter],
        ['Host names', key.enter],
        ['TLS', key.enter],
        ['E-mail address', key.enter],
        ['Ports to publish', key.enter],
        ['Go on and write this?', key.enter],
      ];
      for (const [prompt, reply] of steps) {
        await terminal.see(prompt, 120_000);
        terminal.type(reply);
      }
      await terminal.see('make check', 60_000);
      expect(await terminal.exit()).toBe(0);
      person.hasStack('my-stack');
      expect(readFileSync(join(person.cwd, 'my-stack/osgs.yaml'), 'utf8')).toMatch(/^preset: /m);
    },
    patience,
  );
});

test.each([
  ['npm', ['create', 'osgs', 'made', '--']],
  ['npx', ['create-osgs@latest', 'made']],
  ['pnpm', ['create', 'osgs', 'made']],
  ['yarn', ['create', 'osgs', 'made']],
  ['yarn-berry', ['create', 'osgs', 'made']],
] as const)(
  '%s makes a stack, too, and what it says would repeat it does',
  (by, args) => {
    const person = new Person('node-24');
    const ran = person.start(by, ...args, ...answers);
    expect(ran).toMatchObject({ code: 0 });
    person.hasStack('made');
    expect(person.again(by, `${ran.stderr}${ran.stdout}`, 'another')).toMatchObject({ code: 0 });
    person.hasStack('another');
  },
  patience,
);

test(
  'paths with spaces and letters of any alphabet do no harm, of the stack and of the cache',
  () => {
    const person = new Person('node-20', 'Städtische Karten – карты (neu)');
    const cache = join(person.cwd, 'Speicher für npm');
    const made = person.start('npm', '--cache', cache, 'create', 'osgs', 'Über sicht', '--', ...answers);
    expect(made).toMatchObject({ code: 0 });
    person.hasStack('Über sicht');
    const again = person.start('npm', '--cache', cache, 'create', 'osgs', 'Über sicht', '--', '--yes');
    expect(again.stderr).toContain('Nothing to do.');
  },
  patience,
);
