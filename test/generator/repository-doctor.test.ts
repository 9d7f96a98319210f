import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { command, createOsgs, emptyFolder, readTree, run, type Ran } from '../run.js';

let folder: string;
const git = (...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
const doctor = (...flags: string[]): Ran =>
  run(process.execPath, [command, 'doctor', ...flags], { cwd: folder });
const at = (path: string): string => join(folder, path);
const password = (): string => /^POSTGIS_PASSWORD=(.*)$/m.exec(readFileSync(at('.env'), 'utf8'))?.[1] ?? '';

beforeEach(() => {
  folder = join(emptyFolder(), 'gis');
  const flags = ['--yes', '--services=postgis,martin', '--domain=gis.example.org', '--tls=off'];
  expect(createOsgs([folder, ...flags])).toMatchObject({ code: 0 });
  git('init', '-q');
  git('add', '-A');
  git('commit', '-qm', 'Create the stack');
});

describe('create-osgs doctor', () => {
  test('finds a new repository in order, names what its owner changed, and writes nothing', () => {
    expect(doctor()).toMatchObject({ code: 0 });
    appendFileSync(at('nginx/routes/martin.conf'), '# ours\n');
    rmSync(at('renovate.json'));
    const before = readTree(folder);
    const ran = doctor();
    expect(ran).toMatchObject({ code: 0, stdout: '' });
    expect(ran.stderr).toMatch(
      /files, 2 of them changed by you\n {2}edited nginx\/routes\/martin.conf\n {2}deleted renovate.json\nin order\n$/,
    );
    expect(readTree(folder)).toEqual(before);
  });

  test('warns of what is allowed and better otherwise, and finds the repository in order all the same', () => {
    const made = createOsgs([folder, '--yes', '--set=nginx.outer_scheme=https']);
    expect(made).toMatchObject({ code: 0 });
    expect(made.stderr).toContain('All visitors share one limit of requests');
    const ran = doctor();
    expect(ran.code).toBe(0);
    expect(ran.stderr).toMatch(/\nwarning: All visitors share one limit of requests.*\nin order\n$/);
    expect(JSON.parse(doctor('--json').stdout)).toMatchObject({
      warnings: [expect.stringContaining('nginx.trusted_proxies') as unknown],
    });
  });

  const cases: [what: string, harm: () => void, says: () => string][] = [
    ['that .env is gone', () => rmSync(at('.env')), () => '.env: is not there'],
    [
      'that others may read .env',
      () => chmodSync(at('.env'), 0o644),
      () => '.env: others on this machine may read it',
    ],
    ['that .env is in git', () => git('add', '-f', '.env'), () => '.env: git keeps it, or would'],
    [
      'that .env would come into git',
      () => writeFileSync(at('.gitignore'), '/.secrets/\n'),
      () => '.env: git keeps it, or would',
    ],
    [
      'a secret that is empty',
      () =>
        writeFileSync(at('.env'), readFileSync(at('.env'), 'utf8').replace(/^(POSTGIS_PASSWORD=).*/m, '$1')),
      () => '.env: POSTGIS_PASSWORD is empty',
    ],
    [
      "a secret in a file of the owner's, with its line",
      () => writeFileSync(at('compose.override.yaml'), `services:\n  mine:\n    command: ${password()}\n`),
      () => 'compose.override.yaml:3: holds the value of POSTGIS_PASSWORD',
    ],
    [
      'conflict markers that were left',
      () => appendFileSync(at('Makefile'), '<<<<<<< yours\na\n=======\nb\n>>>>>>> create-osgs\n'),
      () => `Makefile:${readFileSync(at('Makefile'), 'utf8').split('\n').length - 5}: conflict markers`,
    ],
    [
      'that the manifest is gone',
      () => rmSync(at('.osgs/manifest.json')),
      () => '.osgs/manifest.json: is not there',
    ],
    [
      'an edited file whose generated form is lost',
      () => {
        appendFileSync(at('Makefile'), '# ours\n');
        rmSync(at('.osgs/base/Makefile'));
      },
      () => '.osgs/base/Makefile: is not what was generated',
    ],
    [
      'that git ignores what the next run needs',
      () => {
        appendFileSync(at('.gitignore'), '.osgs/\n');
        git('rm', '-rq', '--cached', '.osgs');
      },
      () => '.osgs: git ignores it',
    ],
    [
      'answers that were changed and not carried out',
      () =>
        writeFileSync(
          at('osgs.yaml'),
          readFileSync(at('osgs.yaml'), 'utf8').replace('gis.example.org', 'maps.example.org'),
        ),
      () => 'a run would change ',
    ],
    [
      'that an older version made the repository',
      () =>
        writeFileSync(
          at('.osgs/manifest.json'),
          readFileSync(at('.osgs/manifest.json'), 'utf8').replace(
            /"generator": "[^"]*"/,
            '"generator": "0.0.1"',
          ),
        ),
      () => 'made by create-osgs 0.0.1, and this is ',
    ],
    [
      'that the last run was interrupted',
      () => mkdirSync(at('.osgs/local/staged'), { recursive: true }),
      () => 'the last run was interrupted',
    ],
  ];
  test.each(cases)('says %s, what to do, and ends with 4', (_what, harm, says) => {
    harm();
    const before = readTree(folder);
    const ran = doctor();
    expect(ran.stderr).toContain(`1 to mend:\n\n${says()}`);
    expect(ran.code).toBe(4);
    expect(readTree(folder)).toEqual(before);
    const { problems } = JSON.parse(doctor('--json').stdout) as { problems: { remedy?: string }[] };
    expect(problems).toHaveLength(1);
    expect(problems[0]?.remedy).toMatch(/\.$/);
  });

  test('finds a secret without git, too, and no secret in files that git ignores', () => {
    mkdirSync(at('backups'), { recursive: true });
    writeFileSync(at('backups/dump.sql'), password());
    expect(doctor()).toMatchObject({ code: 0 });
    writeFileSync(at('compose.override.yaml'), `# ${password()}\n`);
    expect(doctor('--no-git').stderr).toContain('compose.override.yaml:1: holds the value of');
  });

  test('says where osgs.yaml is wrong, as every command does', () => {
    appendFileSync(at('osgs.yaml'), 'tls: maybe\n');
    const ran = doctor();
    expect(ran.stderr).toMatch(/^osgs\.yaml:\d+:\d+: /);
    expect(ran.code).toBe(1);
  });
});
