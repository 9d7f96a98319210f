import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Metafile } from 'esbuild';
import { edited } from '../../generators/build/edits.js';
import { bundledPackages, licences } from '../../generators/build/licences.js';
import { sbom } from '../../generators/build/sbom.js';
import { command, emptyFolder, run } from '../run.js';

const bundle = dirname(command);

test('--version needs one file and nothing else', () => {
  const folder = emptyFolder();
  copyFileSync(command, join(folder, 'main.mjs'));
  const ran = run(process.execPath, [join(folder, 'main.mjs'), '--version']);
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  expect(ran.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

/** What is read before a file of the bundle runs: all that it imports, but for what it imports when it needs it. */
function loaded(file: string, files = new Set<string>()): Set<string> {
  if (files.has(file)) return files;
  files.add(file);
  const text = readFileSync(join(bundle, file), 'utf8');
  for (const [, name = ''] of text.matchAll(/(?:\bfrom|\bimport)\s*"\.\/([^"]+)"/g)) loaded(name, files);
  return files;
}

function size(files: Set<string>): number {
  return [...files].reduce((sum, file) => sum + statSync(join(bundle, file)).size, 0);
}

test('--help and the list load no more than 50 kB of code, and neither Yeoman nor YAML', () => {
  const list = readdirSync(bundle).find((file) => /^list-.*\.js$/.test(file)) ?? '';
  expect(loaded('command.js').size).toBeGreaterThan(1);
  const files = new Set([...loaded('command.js'), ...loaded(list)]);
  expect(size(files)).toBeLessThan(50_000);
  for (const file of files) expect(readFileSync(join(bundle, file), 'utf8')).not.toMatch(/yeoman|YAMLMap/);
});

test('the first question, for the directory, is asked before what makes a stack is loaded', () => {
  const directory = readdirSync(bundle).find((file) => /^directory-.*\.js$/.test(file)) ?? '';
  const files = new Set([...loaded('command.js'), ...loaded(directory)]);
  expect(size(files)).toBeLessThan(50_000);
});

test('a reader that has gone away is no failure', () => {
  const script = `set -o pipefail; { sleep 0.5; '${process.execPath}' '${command}' list; } | true`;
  const ran = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  expect(ran).toMatchObject({ status: 0, stderr: '' });
});

/** A package of which something is in a bundle. */
function bundled(about: object): { root: string; metafiles: Metafile[] } {
  const root = emptyFolder();
  mkdirSync(join(root, 'node_modules/thing'), { recursive: true });
  writeFileSync(join(root, 'node_modules/thing/package.json'), JSON.stringify(about));
  const inputs = { 'node_modules/thing/index.js': { bytesInOutput: 1 } };
  return { root, metafiles: [{ inputs: {}, outputs: { 'main.js': { inputs } } } as unknown as Metafile] };
}

test('a package without the text of its licence does not get into the bundle', () => {
  const { root, metafiles } = bundled({
    name: 'thing',
    version: '1.0.0',
    license: 'MIT',
    author: 'A. Nobody',
  });
  expect(() => licences(root, bundledPackages(root, metafiles))).toThrow(
    'node_modules/thing is in the bundle, and has no licence text',
  );
  writeFileSync(join(root, 'node_modules/thing/LICENCE.md'), 'Do what you like.');
  expect(licences(root, bundledPackages(root, metafiles))).toContain(
    'thing 1.0.0 (MIT)\n\nDo what you like.\n',
  );
});

test('a line of a package that is to be edited, and is no longer there, stops the build', () => {
  expect(edited('a.js', 'one two', [['two', '2']])).toBe('one 2');
  expect(() => edited('a.js', 'one two', [['three', '3']])).toThrow('a.js no longer holds: three');
});

interface Bom {
  bomFormat: string;
  specVersion: string;
  serialNumber: string;
  metadata: { component: { name: string; version: string; purl: string } };
  components: { 'bom-ref': string; name: string; version: string; purl: string; licenses: unknown[] }[];
  dependencies: { ref: string; dependsOn?: string[] }[];
}

test('the package has a list of what it holds: every package of LICENSES.txt, with its version, by CycloneDX', () => {
  const bom = JSON.parse(readFileSync(join(bundle, 'sbom.cdx.json'), 'utf8')) as Bom;
  const own = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(bom).toMatchObject({
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { type: 'application', purl: `pkg:npm/create-osgs@${own.version}` } },
  });
  // The pattern of bom-1.6.schema.json.
  expect(bom.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
  const titles = readFileSync(join(bundle, 'LICENSES.txt'), 'utf8').matchAll(
    /^((?:@[^/\s]+\/)?[^\s/]+) (\d\S*) \(/gm,
  );
  const listed = [...titles].map(
    ([, name = '', version = '']) => `pkg:npm/${name.replace('@', '%40')}@${version}`,
  );
  expect(bom.components.map(({ purl }) => decodeURIComponent(purl)).sort()).toEqual(
    listed.map((purl) => decodeURIComponent(purl)).sort(),
  );
  expect(bom.components.length).toBeGreaterThan(20);
  for (const one of bom.components)
    expect(one).toMatchObject({ type: 'library', licenses: [expect.anything()] });
  const refs = bom.components.map((one) => one['bom-ref']);
  expect(new Set(refs).size).toBe(refs.length);
  expect(bom.dependencies[0]?.dependsOn).toEqual(refs);
});

test('the list is the same for the same packages, in any order, and names scopes and licences as CycloneDX wants them', () => {
  const own = { name: 'own', version: '1.0.0', license: 'MIT' };
  const scoped = { name: '@a/b', version: '1.0.0+x', license: '(MIT OR Apache-2.0)', folder: 'x' };
  const plain = { name: 'c', version: '2.0.0', license: 'ISC', folder: 'y' };
  const text = sbom(own, [scoped, plain]);
  expect(sbom(own, [plain, scoped])).toBe(text);
  expect((JSON.parse(text) as Bom).components).toEqual([
    {
      type: 'library',
      'bom-ref': 'pkg:npm/%40a/b@1.0.0%2Bx',
      group: '@a',
      name: 'b',
      version: '1.0.0+x',
      licenses: [{ expression: '(MIT OR Apache-2.0)' }],
      purl: 'pkg:npm/%40a/b@1.0.0%2Bx',
    },
    expect.objectContaining({ name: 'c', licenses: [{ license: { id: 'ISC' } }] }),
  ]);
});
