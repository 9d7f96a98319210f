import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createOsgs, emptyFolder, run, type Ran } from '../run.js';

/**
 * In the place of docker: knows one project, answers as Compose does, and packs a file of its own. `fail` in its folder
 * names what is to go wrong.
 */
const fakeDocker = `#!/bin/sh
here=$(dirname "$0")
echo "$*" >>"$here/calls"
grep -q "$1 $2 $3 $4 $5" "$here/fail" 2>/dev/null && exit 137
case "$*" in
*" config") printf 'name: tools\\nservices:\\n  nginx:\\n    image: nginx:1.30.5\\n  postgis:\\n    image: postgis/postgis:18-3.6\\nvolumes:\\n  postgis:\\n    name: tools_postgis\\n  extra:\\n    name: tools_extra\\n' ;;
*" -d postgres") if grep -q version_num; then echo 18; else printf 'gis\\npostgres\\n'; fi ;;
*pg_dumpall*) echo 'CREATE ROLE gis;' ;;
*pg_dump*) echo 'a dump' ;;
*" ps "*) ;;
"run "*) echo 'an archive' ;;
esac
exit 0
`;

let folder: string;
let bin: string;

function make(...args: string[]): Ran {
  return run('make', ['-s', ...args], {
    cwd: folder,
    env: { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}`, GNUPGHOME: join(bin, 'gnupg') },
  });
}
const backups = (): string[] =>
  existsSync(join(folder, 'backups'))
    ? readdirSync(join(folder, 'backups')).filter((name) => name !== '.gitignore')
    : [];
const read = (...path: string[]): string => readFileSync(join(folder, ...path), 'utf8');

const original = join(emptyFolder(), 'tools');

beforeAll(() => {
  expect(
    createOsgs([original, '--yes', '--no-git', '--services=postgis', '--tls=off', '--domain=a.example']),
  ).toMatchObject({ code: 0 });
});

beforeEach(() => {
  folder = join(emptyFolder(), 'tools');
  cpSync(original, folder, { recursive: true });
  bin = emptyFolder();
  mkdirSync(join(bin, 'gnupg'), { mode: 0o700 });
  writeFileSync(join(bin, 'docker'), fakeDocker, { mode: 0o755 });
});

describe('make backup', () => {
  test('writes a folder with a manifest and sums, and names what nothing says how to keep', () => {
    const made = make('backup');
    expect(made).toMatchObject({ code: 0 });
    expect(made.stderr).toContain("the volume 'extra' is NOT in the backup");
    expect(made.stderr).not.toContain("'postgis'");
    const [name = ''] = backups();
    expect(name).toMatch(/^\d{4}-\d\d-\d\dT\d{6}Z$/);
    expect(read('backups', name, 'MANIFEST')).toMatch(
      /^create-osgs backup 1\nstack\ttools\nversion\t[\d.]+\ndate\t.*\nscope\tall\nencryption\tnone\n/,
    );
    expect(read('backups', name, 'dot-env')).toBe(read('.env'));
    appendFileSync(join(folder, 'scripts/state.local'), 'volume mine extra live -\n');
    expect(make('backup').stderr).not.toContain('NOT in the backup');
    expect(
      backups().filter((each) => existsSync(join(folder, 'backups', each, 'volume-extra.tar.gz'))),
    ).toHaveLength(1);
  });

  test.each([
    ['a dump', 'compose exec -T postgis pg_dump'],
    ['an archive', 'run --rm -i --network none'],
    ['the list of databases', 'compose exec -T postgis psql'],
  ])('leaves nothing and ends with an error where %s fails, encrypted or not', (_what, call) => {
    writeFileSync(join(bin, 'fail'), `${call}\n`);
    for (const passphrase of ['', 'a phrase']) {
      const failed = make('backup', `BACKUP_PASSPHRASE=${passphrase}`);
      expect(failed).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('there is NO new backup') as unknown,
      });
      expect(backups()).toEqual([]);
    }
  });

  test('knows the names that OSGS had, and says which there are', () => {
    expect(make('backup-postgres').code).toBe(0);
    expect(make('backup-db-gis').code).toBe(0);
    expect(
      backups()
        .map((name) => name.replace(/^.*Z-/, ''))
        .sort(),
    ).toEqual(['db-gis', 'postgis']);
    expect(make('backup-db-none').stderr).toContain("there is no database 'none'");
    expect(make('backup-nonsense').stderr).toContain(
      "'nonsense' keeps nothing that is backed up; there are: postgis",
    );
    expect(make('-n', 'backup-everything').stdout).toContain('backup.sh ""');
  });

  test('refuses to run beside another, and not after one that was killed', () => {
    mkdirSync(join(folder, 'backups/.lock'), { recursive: true });
    writeFileSync(join(folder, 'backups/.lock/pid'), `${process.pid}\n`);
    expect(make('backup').stderr).toContain(`process ${process.pid} is at work`);
    writeFileSync(join(folder, 'backups/.lock/pid'), '2147483647\n');
    mkdirSync(join(folder, 'backups/.partial-2020-01-01T000000Z'));
    expect(make('backup').code).toBe(0);
    expect(backups().filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

test('whoever watches is told when the newest backup was made, and whether the last run went well', () => {
  const figures = 'services/watcher/figures';
  mkdirSync(join(folder, figures), { recursive: true });
  appendFileSync(join(folder, 'scripts/state.local'), `figures watcher ${figures}\n`);
  const told = (file = 'backup.prom'): Record<string, number> =>
    Object.fromEntries(
      [...read(figures, file).matchAll(/^(osgs_\w+) (\d+)$/gm)].map(([, name = '', value]) => [
        name,
        Number(value),
      ]),
    );
  const call = join(bin, 'fail');
  writeFileSync(call, 'compose exec -T postgis pg_dump\n');
  expect(make('backup').code).toBe(2);
  expect(Object.keys(told())).toEqual([
    'osgs_backup_last_run_success',
    'osgs_backup_last_run_timestamp_seconds',
  ]);
  expect(told()['osgs_backup_last_run_success']).toBe(0);

  writeFileSync(call, '');
  const begun = Math.floor(Date.now() / 1000);
  expect(make('backup').code).toBe(0);
  const good = told();
  expect(good['osgs_backup_last_run_success']).toBe(1);
  expect(good['osgs_backup_bytes']).toBeGreaterThan(1000);
  expect(good['osgs_backup_last_success_timestamp_seconds']).toBeGreaterThanOrEqual(begun);
  expect(statSync(join(folder, figures, 'backup.prom')).mode & 0o777).toBe(0o644);
  expect(read(figures, 'backup.prom')).toMatch(/^# HELP osgs_\w+ .+\n# TYPE osgs_\w+ gauge\n/);

  // The backup of one service is no backup of the stack, and a failure leaves the older one the newest.
  expect(make('backup-postgres').code).toBe(0);
  expect(told()).toEqual(good);
  writeFileSync(call, 'compose exec -T postgis pg_dump\n');
  expect(make('backup').code).toBe(2);
  expect(told()).toMatchObject({
    osgs_backup_last_run_success: 0,
    osgs_backup_last_success_timestamp_seconds: good['osgs_backup_last_success_timestamp_seconds'],
  });
  writeFileSync(call, '');
  expect(make('backup-nightly').code).toBe(0);
  expect(told('nightly.prom')['osgs_nightly_last_success_timestamp_seconds']).toBeGreaterThanOrEqual(begun);
});

describe('encryption', () => {
  test('a public key is enough to make a backup, and the private one alone opens it', () => {
    const gpg = (...args: string[]): Ran =>
      run('gpg', ['--batch', '--quiet', '--passphrase', '', ...args], {
        env: { ...process.env, GNUPGHOME: join(bin, 'gnupg') },
      });
    expect(gpg('--quick-generate-key', 'Owner <owner@example.org>', 'rsa2048', 'encr', 'never').code).toBe(0);
    const key = gpg('--armor', '--export', 'owner@example.org').stdout;
    writeFileSync(join(folder, 'backup-key.asc'), key);
    const secret = gpg('--armor', '--export-secret-keys', 'owner@example.org').stdout;
    expect(secret).toContain('PRIVATE KEY');
    appendFileSync(join(folder, '.env'), 'BACKUP_RECIPIENT=backup-key.asc\n');
    const here = join(bin, 'gnupg');
    run('gpgconf', ['--kill', 'all'], { env: { ...process.env, GNUPGHOME: here } });
    run('sh', ['-c', 'mv "$1" "$1-away" && mkdir -m 700 "$1"', 'sh', here]);

    expect(make('backup')).toMatchObject({ code: 0 });
    const [name = ''] = backups();
    expect(readdirSync(join(folder, 'backups', name))).toContain('dot-env.gpg');
    expect(read('backups', name, 'MANIFEST')).toContain('encryption\trecipient');
    const file = join(folder, 'backups', name, 'dot-env.gpg');
    expect(make('restore', 'from=latest', 'yes=1').stderr).toContain(
      'cannot be decrypted. Nothing was changed',
    );
    const opened = run('gpg', ['--batch', '--quiet', '--decrypt', file], {
      env: { ...process.env, GNUPGHOME: `${here}-away` },
    });
    expect(opened.stdout).toBe(read('.env'));
    run('gpgconf', ['--kill', 'all'], { env: { ...process.env, GNUPGHOME: `${here}-away` } });
  });

  test('what .env asks for and cannot be had stops the backup', () => {
    expect(make('backup', 'BACKUP_RECIPIENT=none.asc').stderr).toContain('there is no file none.asc');
    expect(backups()).toEqual([]);
  });
});

describe('make backup-prune', () => {
  /** A backup of every night of some days up to that one. */
  function nights(last: string, count: number, suffix = '', time = '023000'): string[] {
    return Array.from({ length: count }, (_, back) => {
      const day = new Date(Date.parse(`${last}T02:30:00Z`) - back * 86_400_000).toISOString().slice(0, 10);
      const name = `${day}T${time}Z${suffix}`;
      mkdirSync(join(folder, 'backups', name), { recursive: true });
      for (const file of ['MANIFEST', 'SHA256SUMS']) writeFileSync(join(folder, 'backups', name, file), '');
      return name;
    });
  }

  test('keeps the newest of each of the last days, weeks and months', () => {
    nights('2026-11-24', 500);
    nights('2026-11-24', 9, '', '013000');
    make('backup-prune', 'dry=1');
    expect(backups()).toHaveLength(509);
    expect(make('backup-prune').code).toBe(0);
    const kept = backups()
      .sort()
      .reverse()
      .map((name) => name.replace('T023000Z', ''));
    expect(kept).toEqual([
      ...['2026-11-24', '2026-11-23', '2026-11-22', '2026-11-21', '2026-11-20', '2026-11-19', '2026-11-18'],
      // Sundays: the last nights of the weeks before. The 22nd is one of the days.
      ...['2026-11-15', '2026-11-08', '2026-11-01'],
      ...['2026-10-31', '2026-09-30', '2026-08-31', '2026-07-31', '2026-06-30', '2026-05-31', '2026-04-30'],
      ...['2026-03-31', '2026-02-28', '2026-01-31', '2025-12-31'],
    ]);
    const again = make('backup-prune');
    expect(again.stdout).toBe('');
  });

  test('counts each service apart, and never takes the newest or what it does not know', () => {
    appendFileSync(
      join(folder, '.env'),
      'BACKUP_KEEP_DAILY=0\nBACKUP_KEEP_WEEKLY=0\nBACKUP_KEEP_MONTHLY=0\n',
    );
    nights('2026-11-24', 3);
    nights('2026-11-20', 2, '-postgis');
    mkdirSync(join(folder, 'backups/2026-11-24T010000Z'));
    mkdirSync(join(folder, 'backups/my-own-copy'));
    expect(make('backup-prune').code).toBe(0);
    expect(backups().sort()).toEqual([
      '2026-11-20T023000Z-postgis',
      '2026-11-24T010000Z',
      '2026-11-24T023000Z',
      'my-own-copy',
    ]);
  });
});

test('make backup-schedule prints a file for cron that calls make in this folder', () => {
  const { stdout } = make('backup-schedule', 'at=03:07');
  const line = stdout.trim().split('\n').at(-1) ?? '';
  expect(line).toMatch(new RegExp(`^07 03 \\* \\* \\* \\S+ cd '${folder}' && `));
  expect(stdout).not.toMatch(/[^\\]%/);
  expect(make('-s', 'backup-schedule', 'at=noon').code).not.toBe(0);
});

test('make backup-nightly backs up, then prunes', () => {
  expect(make('backup-nightly').code).toBe(0);
  expect(backups()).toHaveLength(1);
});
