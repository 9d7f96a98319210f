import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { createOsgs, run, type Ran } from '../run.js';
import { Deployment } from './deployment.js';

const slow = 300_000;

describe.each([
  { tls: 'off', address: 'http://gis.example.org:8080/' },
  { tls: 'self-signed', address: 'https://gis.example.org:8443/' },
])('a small stack on ports of its own with tls $tls', ({ tls, address }) => {
  const deployment = new Deployment('ports');
  const { folder } = deployment;
  const make = (target: string): Ran => deployment.make(target);

  afterAll(() => {
    deployment.remove();
  }, slow);

  test(
    'answers there, and a service added to it and removed again comes and goes with make up',
    () => {
      const made = createOsgs([
        folder,
        '--yes',
        '--services=hugo',
        '--domain=gis.example.org',
        `--tls=${tls}`,
        '--set=nginx.http_port=8080',
        '--set=nginx.https_port=8443',
      ]);
      expect(made).toMatchObject({ code: 0 });
      // What continuous integration runs, before anything is started: it passes, and finds what is broken.
      expect(make('test')).toMatchObject({ code: 0 });
      const configuration = join(folder, 'nginx/nginx.conf');
      const whole = readFileSync(configuration, 'utf8');
      writeFileSync(configuration, whole.replace('sendfile on;', 'sendfile yes;'));
      const broken = make('test');
      expect(broken.code).not.toBe(0);
      expect(broken.stdout).toContain('FAILED  nginx configuration');
      writeFileSync(configuration, whole);
      expect(make('up')).toMatchObject({ code: 0 });
      const checked = make('check');
      expect(checked.stdout).toContain(`${address}\n`);
      expect(checked.stdout).toContain('all checks passed');

      const osgs = (...args: string[]): Ran => createOsgs([...args, '--yes'], { cwd: folder });
      const services = (): string[] =>
        deployment.run('docker', ['compose', 'ps', '--services', '--all']).stdout.trim().split('\n');
      expect(osgs('add', 'swagger-ui')).toMatchObject({ code: 0 });
      expect(make('up')).toMatchObject({ code: 0 });
      expect(make('check').stdout).toContain('Swagger UI');
      expect(services()).toContain('swagger-ui');

      // Closed by the owner: nginx asks for the password that .env has, and make check tries with it and without.
      expect(osgs('--set=swagger-ui.access=protected')).toMatchObject({ code: 0 });
      expect(make('up')).toMatchObject({ code: 0 });
      const closed = make('check').stdout;
      expect(closed).toContain('ok      Swagger UI: ');
      expect(closed).toContain('ok      Swagger UI, no password: ');
      expect(closed).toContain('all checks passed');
      const password = deployment.secret('NGINX_BASIC_PASSWORD');
      const enter = (user: string): string =>
        run('curl', [
          '-sSk',
          '-o',
          '/dev/null',
          '-w',
          '%{http_code}',
          '-u',
          user,
          '--connect-to',
          '::127.0.0.1:',
          `${address}swagger/`,
        ]).stdout;
      expect([enter(`gis:${password}`), enter('gis:wrong'), enter(`other:${password}`)]).toEqual([
        '200',
        '401',
        '401',
      ]);

      expect(osgs('remove', 'swagger-ui')).toMatchObject({ code: 0 });
      expect(make('up')).toMatchObject({ code: 0 });
      expect(make('check').stdout).toContain('all checks passed');
      expect(services()).not.toContain('swagger-ui');

      const page = run('curl', ['-sSk', '--connect-to', '::127.0.0.1:', address]);
      expect(page.stdout).toContain('services/hugo/site/content/_index.md');
    },
    slow,
  );
});
