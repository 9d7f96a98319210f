import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Metafile } from 'esbuild';
import { edited } from '../../generators/build/edits.js';
import { licences } from '../../generators/build/licences.js';
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
  expect(() => licences(root, metafiles)).toThrow(
    'node_modules/thing is in the bundle, and has no licence text',
  );
  writeFileSync(join(root, 'node_modules/thing/LICENCE.md'), 'Do what you like.');
  expect(licences(root, metafiles)).toContain('thing 1.0.0 (MIT)\n\nDo what you like.\n');
});

test('a line of a package that is to be edited, and is no longer there, stops the build', () => {
  expect(edited('a.js', 'one two', [['two', '2']])).toBe('one 2');
  expect(() => edited('a.js', 'one two', [['three', '3']])).toThrow('a.js no longer holds: three');
});
