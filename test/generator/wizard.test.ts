import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import { categories } from '../../generators/stack/categories.js';
import { choosable } from '../stacks.js';
import { createOsgs, emptyFolder, readTree } from '../run.js';
import { key, Terminal } from './terminal.js';

/** PostGIS's place in the list of services. */
const place = ((): number => {
  const catalog = loadCatalog();
  const of = (id: string): number => categories.indexOf(catalog.get(id)?.category ?? '');
  return choosable(catalog)
    .sort((a, b) => of(a) - of(b))
    .indexOf('postgis');
})();

/** The prompts in their order, and what answers each. */
const steps: [string, string][] = [
  ['Name of the stack', key.enter],
  ['What is the stack for', key.enter],
  ['Services', key.down.repeat(place) + key.space + key.enter],
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
  expect(await terminal.see('make check')).not.toContain('package.json');
  expect(await terminal.exit()).toBe(0);
  const answers = readFileSync(join(cwd, 'my-stack/osgs.yaml'), 'utf8');
  expect(answers).toMatch(/services:\n {2}- postgis\n/);
  expect(answers).toMatch(/- host: gis.example.org\n/);
  expect(answers).toMatch(/expose:\n {2}postgis: 127.0.0.1:5432\n/);
});

test('the wizard starts from a preset, whose services are ticked', async () => {
  const cwd = emptyFolder();
  const terminal = new Terminal(
    ['maps', '--tls=off', '--email=gis@example.org', '--domain=gis.example.org'],
    cwd,
  );
  await terminal.see('Name of the stack');
  terminal.type(key.enter);
  await terminal.see('Publish maps');
  // The first choice is none.
  terminal.type(key.down.repeat([...loadCatalog().presets.keys()].indexOf('publish-maps') + 1));
  expect(await terminal.see('Projects made in QGIS')).toContain('Publish maps');
  terminal.type(key.enter);
  await terminal.see('Services');
  terminal.type(key.enter);
  await terminal.see('Ports to publish');
  terminal.type(key.enter);
  await terminal.see('Go on and write this?');
  terminal.type(key.enter);
  await terminal.see('make check');
  expect(await terminal.exit()).toBe(0);
  const answers = readFileSync(join(cwd, 'maps/osgs.yaml'), 'utf8');
  expect(answers).toMatch(/^preset: publish-maps$/m);
  expect(answers).toMatch(/^ {2}- mapproxy$/m);
  expect(readFileSync(join(cwd, 'maps/README.md'), 'utf8')).toContain('## Publish maps\n');
});

describe('administration pages beside others', () => {
  const flags = ['maps', '--name=maps', '--services=adminer,martin', '--tls=off', '--email=gis@example.org'];

  async function ask(host: string, reply?: string): Promise<string> {
    const cwd = emptyFolder();
    const terminal = new Terminal(flags, cwd);
    await terminal.see('Host names');
    terminal.type(key.backspace.repeat(9) + host + key.enter);
    if (reply !== undefined) {
      const screen = await terminal.see('Administration');
      expect(screen).toContain('(Adminer) on a host name of its own, admin.gis.example.org?');
      terminal.type(reply + key.enter);
    }
    const screen = await terminal.see('Go on and write this?');
    if (reply === undefined) expect(screen).not.toContain('Administration (');
    terminal.type(key.enter);
    await terminal.see('make check');
    expect(await terminal.exit()).toBe(0);
    return readFileSync(join(cwd, 'maps/osgs.yaml'), 'utf8');
  }

  test('the wizard proposes a host name for them, and Enter takes it', async () => {
    expect(await ask('gis.example.org', '')).toMatch(
      /- host: gis.example.org\n {2}- host: admin.gis.example.org\n {4}services:\n {6}- adminer\n/,
    );
  });

  test('whoever says no has one host name for all', async () => {
    expect(await ask('gis.example.org', 'n')).not.toContain('admin.gis.example.org');
  });

  test('nobody is asked where the name is not a public one', async () => {
    expect(await ask('gis.lan')).not.toContain('admin.');
  });

  test('without a terminal nothing is added', () => {
    const folder = join(emptyFolder(), 'maps');
    expect(createOsgs([folder, ...flags.slice(1), '--yes', '--domain=gis.example.org'])).toMatchObject({
      code: 0,
    });
    expect(readFileSync(join(folder, 'osgs.yaml'), 'utf8')).not.toContain('admin.');
  });

  test('a stack that has its addresses keeps them, and nobody is asked', async () => {
    const folder = join(emptyFolder(), 'maps');
    createOsgs([folder, ...flags.slice(1), '--yes', '--domain=gis.example.org']);
    const before = readTree(folder);
    const terminal = new Terminal([], folder);
    for (const prompt of ['Name of the stack', 'Services', 'Host names', 'TLS', 'E-mail address']) {
      await terminal.see(prompt);
      terminal.type(key.enter);
    }
    expect(await terminal.see('Nothing to do.')).not.toContain('Administration (');
    expect(await terminal.exit()).toBe(0);
    expect(readTree(folder)).toEqual(before);
  });
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

describe('in a directory that holds a stack', () => {
  function stack(): string {
    const folder = join(emptyFolder(), 'gis');
    const made = createOsgs([
      folder,
      '--yes',
      '--name=other',
      '--services=postgis,hugo',
      '--domain=gis.example.org',
      '--domain=www.example.net=hugo',
      '--alias=maps.example.org=gis.example.org',
      '--email=gis@example.org',
      '--expose=postgis=127.0.0.1:6543',
    ]);
    if (made.code !== 0) throw new Error(made.stderr);
    return folder;
  }

  test("the wizard starts from today's answers: Enter at every prompt changes nothing", async () => {
    const folder = stack();
    const before = readTree(folder);
    const terminal = new Terminal([], folder);
    for (const [prompt] of steps.slice(0, -1).filter(([text]) => !text.startsWith('What is'))) {
      await terminal.see(prompt);
      terminal.type(key.enter);
    }
    await terminal.see('Nothing to do.');
    expect(await terminal.exit()).toBe(0);
    expect(readTree(folder)).toEqual(before);
  });

  /** Adds a service whose check goes where the owner put one. */
  async function conflict(): Promise<{ folder: string; terminal: Terminal; mine: string }> {
    const folder = stack();
    const file = join(folder, 'scripts/check.sh');
    const mine = readFileSync(file, 'utf8').replace(/^(probe .*\n)/gm, '$1# mine\n');
    writeFileSync(file, mine);
    const terminal = new Terminal(['add', 'mapproxy'], folder);
    await terminal.see('Go on and write this?');
    terminal.type(key.enter);
    const screen = await terminal.see('you and create-osgs changed the same lines');
    expect(screen).toContain('-# mine');
    return { folder, terminal, mine };
  }

  test('a conflict is shown and asked, and the first answer keeps what is mine', async () => {
    const { folder, terminal, mine } = await conflict();
    terminal.type(key.enter);
    await terminal.see('Next: make up');
    expect(await terminal.exit()).toBe(0);
    expect(readFileSync(join(folder, 'scripts/check.sh'), 'utf8')).toBe(mine);
    expect(readFileSync(join(folder, 'compose.yaml'), 'utf8')).toContain('mapproxy:');
  });

  test('Ctrl-C at a conflict writes nothing and ends with 1', async () => {
    const { folder, terminal } = await conflict();
    terminal.type(key.ctrlC);
    await terminal.see('cancelled: nothing was written');
    expect(await terminal.exit()).toBe(1);
    expect(existsSync(join(folder, '.osgs/local'))).toBe(false);
    expect(readFileSync(join(folder, 'osgs.yaml'), 'utf8')).not.toContain('mapproxy');
  });
});
