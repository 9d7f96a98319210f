import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { emptyFolder } from '../run.js';
import { key, Terminal } from './terminal.js';

/** The prompts in their order, and what answers each. */
const steps: [string, string][] = [
  ['Name of the stack', key.enter],
  ['Services', key.space + key.enter],
  ['Host names', key.backspace.repeat(9) + 'gis.example.org' + key.enter],
  ['TLS', key.enter],
  ['E-mail address', key.enter],
  ['Ports to publish', key.space + key.enter],
  ['Go on and write this?', key.enter],
];

test('the wizard asks, shows its plan, and writes when told to go on', async () => {
  const cwd = emptyFolder();
  const terminal = new Terminal(['my-stack'], cwd);
  for (const [prompt, reply] of steps) {
    const screen = await terminal.see(prompt);
    if (prompt.startsWith('Go on')) {
      expect(screen).toContain('Memory in all');
      expect(screen).toContain('127.0.0.1:5432 postgis');
      expect(screen).toContain('https://gis.example.org/  portal');
      expect(existsSync(join(cwd, 'my-stack'))).toBe(false);
    }
    terminal.type(reply);
  }
  await terminal.see('make check');
  expect(await terminal.exit()).toBe(0);
  const answers = readFileSync(join(cwd, 'my-stack/osgs.yaml'), 'utf8');
  expect(answers).toMatch(/services:\n {2}- postgis\n/);
  expect(answers).toMatch(/- host: gis.example.org\n/);
  expect(answers).toMatch(/expose:\n {2}postgis: 127.0.0.1:5432\n/);
});

test.each(steps.map(([prompt], index): [string, number] => [prompt, index]))(
  'Ctrl-C at "%s" writes nothing and ends with 1',
  async (_prompt, index) => {
    const cwd = emptyFolder();
    const terminal = new Terminal(['my-stack'], cwd);
    for (const [prompt, reply] of steps.slice(0, index)) {
      await terminal.see(prompt);
      terminal.type(reply);
    }
    await terminal.see(steps[index]?.[0] ?? '');
    terminal.type(key.ctrlC);
    const screen = await terminal.see('cancelled: nothing was written');
    expect(screen).not.toMatch(/error|Error/);
    expect(await terminal.exit()).toBe(1);
    expect(readdirSync(cwd)).toEqual([]);
  },
);

test('Ctrl-C where the directory is asked for writes nothing and ends with 1', async () => {
  const cwd = emptyFolder();
  const terminal = new Terminal([], cwd);
  await terminal.see('Directory');
  terminal.type(key.ctrlC);
  await terminal.see('cancelled: nothing was written');
  expect(await terminal.exit()).toBe(1);
  expect(readdirSync(cwd)).toEqual([]);
});
