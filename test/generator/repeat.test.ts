import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { command, emptyFolder, readTree, run } from '../run.js';
import { madeUpHead } from '../stacks.js';

/** Makes a stack in `first`, and gives the command line that its run says repeats it. */
function make(cwd: string, answers: object, ...flags: string[]): string {
  writeFileSync(join(cwd, 'answers.yaml'), JSON.stringify(answers));
  const ran = run(
    process.execPath,
    [command, 'first', '--yes', '--no-git', '--config', 'answers.yaml', ...flags],
    { cwd },
  );
  expect(ran).toMatchObject({ code: 0 });
  return /^The same again: create-osgs (.+)$/m.exec(ran.stderr)?.[1] ?? ran.stderr;
}

/** Runs that command line in a shell, for another folder. */
function again(cwd: string, line: string): void {
  const words = line.replace(/^first/, 'second');
  const ran = run('sh', ['-c', `'${process.execPath}' '${command}' ${words} --no-git`], { cwd });
  expect(ran).toMatchObject({ code: 0 });
  const [first, second] = ['first', 'second'].map((name) => readTree(join(cwd, name)));
  for (const tree of [first, second]) tree?.delete('.env');
  expect(second).toEqual(first);
}

const domains = [{ host: 'gis.example.org' }];

test.each([
  ['a stack of services and domains', { services: ['martin'], domains, tls: 'off' }],
  [
    'aliases, ports, settings and an address',
    {
      name: 'our-map',
      services: ['postgis', 'martin'],
      domains: [
        { host: 'gis.example.org', aliases: ['www.example.org', 'maps.example.org'] },
        { host: 'tiles.example.org', owner: 'martin' },
      ],
      email: 'gis@example.org',
      expose: { postgis: '127.0.0.1:15432' },
      tls: 'self-signed',
    },
  ],
])('the command line that a run prints repeats %s, in flags', (_what, answers) => {
  const cwd = emptyFolder();
  const line = make(cwd, answers);
  expect(line).not.toContain('--config');
  again(cwd, line);
});

test.each([
  [
    'a domain that has an owner and services besides',
    {
      services: ['martin', 'geoserver'],
      domains: [...domains, { host: 'tiles.example.org', owner: 'martin', services: ['geoserver'] }],
    },
  ],
  [
    'a preset of which a service was taken away',
    { preset: 'bi-and-analysis', services: ['postgis', 'gdal'], domains },
  ],
])('where flags cannot say it, as with %s, it repeats the run by osgs.yaml', (_what, answers) => {
  const cwd = emptyFolder();
  const line = make(cwd, { tls: 'off', ...answers });
  expect(line).toContain('--config first/osgs.yaml');
  again(cwd, line);
});

test('it names the folders of --catalog', () => {
  const cwd = emptyFolder();
  mkdirSync(join(cwd, 'our catalog/services'), { recursive: true });
  writeFileSync(
    join(cwd, 'our catalog/services/mine.yaml'),
    `${madeUpHead('mine', 'tiles', 'A service of our own.')}image: { name: example/mine, tag: "1.0", evidence: Made up. }
memory: 64
stateless: It keeps nothing.
compose:
  services:
    mine:
      user: "1000:1000"
      healthcheck: { test: [CMD, "true"], interval: 30s, timeout: 5s, retries: 3 }
      deploy: { resources: { limits: { memory: 64M } } }
`,
  );
  const line = make(cwd, { services: ['mine'], domains, tls: 'off' }, '--catalog', 'our catalog');
  expect(line).toContain("--catalog 'our catalog'");
  again(cwd, line);
});
