import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { loadCatalog, packageRoot } from '../../catalog/load.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import { emptyFolder, run, type Ran } from '../run.js';
import { makeStack } from '../stacks.js';

const catalog = loadCatalog();
const nginx = catalog.get('nginx');

/** The scripts of a stack in a folder with these secrets in compose.yaml, and this .env. */
function folderWith(names: string[], env: string): string {
  const folder = emptyFolder();
  cpSync(join(packageRoot(), 'templates/scripts'), join(folder, 'scripts'), { recursive: true });
  const secrets = names.map((name) => `  ${name}:\n    file: ./.secrets/${name}\n`).join('');
  writeFileSync(join(folder, 'compose.yaml'), `secrets:\n${secrets}`);
  writeFileSync(join(folder, '.env'), env);
  return folder;
}
const write = (folder: string, more: NodeJS.ProcessEnv = {}): Ran =>
  run('sh', ['scripts/env.sh'], { cwd: folder, env: { ...process.env, ...more } });
const read = (folder: string, name: string): string => readFileSync(join(folder, '.secrets', name), 'utf8');

describe('a secret as a file', () => {
  test('is in the block of secrets once, whoever reads it, and one that is no secret of the stack is refused', () => {
    const answers = {
      name: 'files',
      services: ['postgis', 'martin'],
      domains: [{ host: 'a.example' }],
      tls: 'off' as const,
      expose: {},
      settings: {},
    };
    const make = (): string =>
      makeStack(answers, catalog, loadTemplates(catalog)).rendered.files.get('compose.yaml')?.content ?? '';
    const text = make();
    expect(text.match(/^ {2}POSTGIS_PASSWORD:\n {4}file: \.\/\.secrets\/POSTGIS_PASSWORD$/gm)).toHaveLength(
      1,
    );
    expect(text.match(/^ {6}- POSTGIS_PASSWORD$/gm)).toHaveLength(2);
    const container = (nginx?.compose.services ?? {})['nginx'] ?? {};
    container.secrets = ['NGINX_BASIC_USER'];
    try {
      expect(make).toThrow("'NGINX_BASIC_USER' is not a secret of any service in this stack");
    } finally {
      delete container.secrets;
    }
  });

  test.each([
    ['Ab1', 'Ab1'],
    ['\'it $is "quoted" # here\'', 'it $is "quoted" # here'],
    ['"it\'s"', "it's"],
    ['  blanks-around  ', 'blanks-around'],
    ['windows\r', 'windows'],
    ['a=b==', 'a=b=='],
  ])('has the value that Compose reads in .env: %j', (written, value) => {
    const folder = folderWith(['ONE_KEY'], `OTHER=x\nONE_KEY=${written}\n`);
    expect(write(folder)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(read(folder, 'ONE_KEY')).toBe(value);
    writeFileSync(
      join(folder, 'compose.yaml'),
      'services: { one: { image: one, environment: { V: "${ONE_KEY}" } } }',
    );
    const { stdout } = run('docker', ['compose', 'config', '--format', 'json'], { cwd: folder });
    const model = JSON.parse(stdout) as { services: { one: { environment: { V: string } } } };
    // A $ of a value is written twice there.
    expect(model.services.one.environment.V.replaceAll('$$', '$')).toBe(value);
  });

  test.each(['a$b', 'a b', 'a#b', 'a\\b', '"a\\nb"', '"a$b"', "'a'b'"])(
    'is refused where its value can be read in two ways: %j',
    (written) => {
      const folder = folderWith(['ONE_KEY'], `ONE_KEY=${written}\n`);
      const { code, stderr } = write(folder);
      expect(code).toBe(1);
      expect(stderr).toContain('ONE_KEY in .env may be read in other ways than it is written');
      expect(existsSync(join(folder, '.secrets/ONE_KEY'))).toBe(false);
    },
  );

  test.each(['', 'ONE_KEY=\n', '#ONE_KEY=abc\n', 'XONE_KEY=abc\n'])(
    'is named where .env does not have it: %j',
    (env) => {
      expect(write(folderWith(['ONE_KEY'], env))).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('ONE_KEY is missing in .env') as unknown,
      });
    },
  );

  test('comes from the environment first, as in Compose', () => {
    const folder = folderWith(['ONE_KEY'], 'ONE_KEY=file\n');
    expect(write(folder, { ONE_KEY: 'shell' }).code).toBe(0);
    expect(read(folder, 'ONE_KEY')).toBe('shell');
  });

  test("may be the owner's own, is written again when .env changes, and goes with its name", () => {
    const folder = folderWith(['ONE_KEY', 'TWO_KEY'], 'ONE_KEY=a\nTWO_KEY=b\nMY_KEY=c\n');
    writeFileSync(
      join(folder, 'compose.override.yaml'),
      'secrets: \n  MY_KEY:\n    file: "./.secrets/MY_KEY"\n',
    );
    // What Docker leaves where it is told to mount a file that is not there.
    mkdirSync(join(folder, '.secrets/ONE_KEY'), { recursive: true });
    expect(write(folder).code).toBe(0);
    expect(readdirSync(join(folder, '.secrets'))).toEqual(['.gitignore', 'MY_KEY', 'ONE_KEY', 'TWO_KEY']);
    expect(run('stat', ['-c', '%a', '.secrets', '.secrets/ONE_KEY'], { cwd: folder }).stdout).toBe(
      '700\n444\n',
    );
    writeFileSync(join(folder, 'compose.yaml'), 'secrets:\n  ONE_KEY:\n    file: ./.secrets/ONE_KEY\n');
    writeFileSync(join(folder, '.env'), 'ONE_KEY=new\nMY_KEY=c\n');
    expect(write(folder).code).toBe(0);
    expect(read(folder, 'ONE_KEY')).toBe('new');
    expect(readdirSync(join(folder, '.secrets'))).toEqual(['.changed', '.gitignore', 'MY_KEY', 'ONE_KEY']);
    expect(read(folder, '.changed')).toBe('/run/secrets/ONE_KEY\n');
  });
});

describe('make up', () => {
  const stack = (): { folder: string; env: NodeJS.ProcessEnv; log: () => string[] } => {
    const folder = folderWith(['ONE_KEY', 'TWO_KEY'], 'ONE_KEY=a\nTWO_KEY=b\n');
    mkdirSync(join(folder, 'bin'));
    mkdirSync(join(folder, 'nginx'));
    const docker = `#!/bin/sh
case "$*" in
"compose ps -aq") echo one two three ;;
inspect*Mounts*one) printf '/data\\n/run/secrets/ONE_KEY\\n' ;;
inspect*Mounts*two) printf '/run/secrets/TWO_KEY\\n' ;;
inspect*Mounts*) ;;
inspect*Labels*) echo "service-of-$4" ;;
"compose config"* | "compose -f - config"* | "compose ps"* | ps* | network*) ;;
*) echo "$*" >>"${folder}/log" ;;
esac
`;
    writeFileSync(join(folder, 'bin/docker'), docker);
    chmodSync(join(folder, 'bin/docker'), 0o755);
    const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}` };
    const log = (): string[] => {
      const said = readFileSync(join(folder, 'log'), 'utf8').trim().split('\n');
      writeFileSync(join(folder, 'log'), '');
      return said;
    };
    return { folder, env, log };
  };
  const up = ({ folder, env }: ReturnType<typeof stack>, ...services: string[]): number | null =>
    run('sh', ['scripts/up.sh', ...services], { cwd: folder, env }).code;

  test('makes the containers anew that read a file which has changed, and those alone, once', () => {
    const running = stack();
    expect(up(running)).toBe(0);
    expect(running.log()).toEqual(['compose up -d --remove-orphans']);
    writeFileSync(join(running.folder, '.env'), 'ONE_KEY=new\nTWO_KEY=b\n');
    expect(up(running)).toBe(0);
    expect(running.log()).toEqual(['stop one', 'rm one', 'compose up -d --remove-orphans']);
    expect(up(running)).toBe(0);
    expect(running.log()).toEqual(['compose up -d --remove-orphans']);
  });

  test('brings them back where it starts another service alone, and tries again where they do not stop', () => {
    const running = stack();
    up(running);
    running.log();
    writeFileSync(join(running.folder, '.env'), 'ONE_KEY=new\nTWO_KEY=b\n');
    const docker = join(running.folder, 'bin/docker');
    const text = readFileSync(docker, 'utf8');
    writeFileSync(docker, text.replace('case "$*" in\n', 'case "$*" in\nstop*) exit 1 ;;\n'));
    expect(up(running, 'three')).toBe(1);
    writeFileSync(docker, text);
    expect(up(running, 'three')).toBe(0);
    expect(running.log()).toEqual([
      'stop one',
      'rm one',
      'compose up -d --remove-orphans three service-of-one',
    ]);
  });
});
