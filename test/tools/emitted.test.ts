import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import { choosable, compatible, domainFlags } from '../stacks.js';
import { createOsgs, emptyFolder, run } from '../run.js';
import { nginxTest } from './lint.js';

const catalog = loadCatalog();
const all = compatible(choosable(catalog), catalog);

describe.each([
  ['all services', all, 'self-signed'],
  ['all services without TLS', all, 'off'],
  ['the database alone', ['postgis'], 'letsencrypt'],
])('%s', (_name, services, tls) => {
  const folder = join(emptyFolder(), 'stack');
  const made = createOsgs([
    folder,
    '--yes',
    '--services',
    services.join(','),
    ...domainFlags(services, catalog),
    '--alias',
    'www.example.org=gis.example.org',
    '--tls',
    tls,
    '--expose',
    'postgis',
  ]);
  const compose = (...args: string[]): ReturnType<typeof run> =>
    run('docker', ['compose', ...args], { cwd: folder });

  test('is emitted', () => expect(made).toMatchObject({ code: 0 }));

  test('docker compose accepts it, with .env and without', () => {
    expect(compose('config', '-q')).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(
      run('docker', ['compose', '--env-file', '/dev/null', 'config', '--no-interpolate', '-q'], {
        cwd: folder,
      }),
    ).toMatchObject({ code: 0 });
    const bare = run('docker', ['compose', '--env-file', '/dev/null', 'config', '-q'], { cwd: folder });
    // The secrets of these two services are files, which Compose looks for when it makes a container.
    if (services.length > 1) expect(bare.stderr).toContain("run 'make env'");
  });

  test('nginx accepts it with every upstream absent', () =>
    expect(nginxTest(folder)).toEqual({ code: 0, stdout: '', stderr: '' }));

  test('shellcheck and sh -n are silent', () => {
    const scripts = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.sh') && !name.startsWith('.osgs'),
    );
    expect(scripts.length).toBeGreaterThan(3);
    for (const script of scripts) {
      // What runs inside an image may be bash's, where the image has it.
      const shell = readFileSync(join(folder, script), 'utf8').startsWith('#!/bin/bash') ? 'bash' : 'sh';
      expect(run(shell, ['-n', script], { cwd: folder })).toEqual({ code: 0, stdout: '', stderr: '' });
      if (shell === 'bash') expect(script).toMatch(/^services\//);
    }
    expect(run('shellcheck', scripts, { cwd: folder })).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('yamllint is silent', () => {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.yaml') && !name.startsWith('.osgs'),
    );
    expect(run('yamllint', ['--strict', '-c', '.yamllint', ...files], { cwd: folder })).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  test('make -n works for every target of make help', () => {
    const help = run('make', ['-s', 'help'], { cwd: folder });
    expect(help.code).toBe(0);
    const targets = [...help.stdout.matchAll(/^ {2}([a-z-]+) /gm)].map((match) => match[1] ?? '');
    expect(targets).toEqual(
      expect.arrayContaining([
        'up',
        'down',
        'restart',
        'ps',
        'logs',
        'shell',
        'pull',
        'config',
        'check',
        'env',
        'psql',
      ]),
    );
    for (const target of [
      ...targets,
      'postgis-logs',
      'start-postgis',
      'stop-postgis',
      'restart-postgis',
      'postgis-shell',
    ]) {
      expect({ target, ...run('make', ['-n', target, 's=nginx'], { cwd: folder }) }).toMatchObject({
        target,
        code: 0,
        stderr: '',
      });
    }
  });

  test('every container is hardened, limited, rotated and on its networks only', () => {
    const model = JSON.parse(compose('config', '--format', 'json').stdout) as {
      services: Record<string, Record<string, unknown>>;
      networks: Record<string, { internal?: boolean }>;
    };
    for (const [name, service] of Object.entries(model.services)) {
      expect(service).toMatchObject({
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        init: true,
        logging: { options: { 'max-size': '10m' } },
      });
      expect(String(service.image)).toMatch(/:[\w.-]*\d[\w.-]*$/);
      expect(String(service.image)).not.toMatch(/:(latest|main|master|edge)$/);
      expect(
        (service.deploy as { resources: { limits: { memory: string } } }).resources.limits.memory,
      ).toBeTruthy();
      expect(service.privileged ?? false).toBe(false);
      if (service.restart === 'no') expect(service.healthcheck).toBeUndefined();
      else
        expect({
          name,
          test: (service.healthcheck as { test?: string[] } | undefined)?.test?.join(' ') ?? '',
        }).toMatchObject({ test: expect.stringMatching(/\w/) as unknown });
      if (name !== 'nginx' && name !== 'postgis')
        expect({ name, ports: service.ports }).toEqual({ name, ports: undefined });
      expect(Object.keys(service.networks ?? {})).not.toContain('default');
    }
    const open = Object.entries(model.networks).flatMap(([name, { internal }]) => (internal ? [] : name));
    expect(open.filter((name) => !/_(in|out)$/.test(name))).toEqual([]);
    expect(Object.keys(model.networks)).toContain('nginx_in');
  });

  test('make env makes a .env like the generator does, and never changes one', () => {
    const copy = join(emptyFolder(), 'clone');
    run('cp', ['-r', folder, copy]);
    const before = readFileSync(join(copy, '.env'), 'utf8');
    expect(run('make', ['-s', 'env'], { cwd: copy }).code).toBe(0);
    expect(readFileSync(join(copy, '.env'), 'utf8')).toBe(before);
    run('rm', [join(copy, '.env')]);
    expect(run('make', ['-s', 'env'], { cwd: copy }).code).toBe(0);
    const after = readFileSync(join(copy, '.env'), 'utf8');
    const shape = (text: string): string => text.replace(/=([A-Za-z0-9]{32}|[0-9a-f]{64})$/gm, '=*');
    expect(shape(after)).toBe(shape(before));
    expect(after).not.toBe(before);
    expect(run('stat', ['-c', '%a', '.env'], { cwd: copy }).stdout).toBe('600\n');
    expect(run('docker', ['compose', 'config', '-q'], { cwd: copy }).code).toBe(0);
    // Of the secrets that containers read as files there is one each, readable in a folder that is closed.
    const named = readFileSync(join(copy, 'compose.yaml'), 'utf8').match(/(?<=\.\/\.secrets\/)\w+$/gm);
    expect(readdirSync(join(copy, '.secrets')).filter((name) => !name.startsWith('.'))).toEqual(named);
    expect(run('stat', ['-c', '%a', '.secrets', '.secrets/POSTGIS_PASSWORD'], { cwd: copy }).stdout).toBe(
      '700\n444\n',
    );
    run('git', ['init', '-q'], { cwd: copy });
    expect(run('git', ['check-ignore', '.env', '.secrets/POSTGIS_PASSWORD'], { cwd: copy }).code).toBe(0);
  });
});
