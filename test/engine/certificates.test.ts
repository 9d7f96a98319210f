import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createOsgs, run } from '../run.js';
import { Deployment } from './deployment.js';
import { shown, until } from './waiting.js';

const slow = 300_000;

const common = ['--yes', '--services=hugo', '--set=nginx.http_port=8080', '--set=nginx.https_port=8443'];

describe("Let's Encrypt, by its own test server", () => {
  const deployment = new Deployment('acme');
  const { folder } = deployment;
  const good = ['gis.example.org', 'www.example.org', 'maps.example.net'];

  afterAll(() => deployment.remove(), slow);

  test(
    'a first start serves a certificate of our own, then the real ones, and a domain that fails does not keep the others from theirs',
    async () => {
      const made = createOsgs([
        folder,
        ...common,
        '--tls=letsencrypt',
        '--email=gis@example.org',
        '--domain=gis.example.org',
        '--domain=maps.example.net=hugo',
        '--domain=absent.example.net',
        '--set=certbot.server=https://pebble:14000/dir',
      ]);
      expect(made).toMatchObject({ code: 0 });
      // An alias is an answer of the file, not of the command line.
      deployment.run('sed', [
        '-i',
        's/- host: gis.example.org/&\\n    aliases: [www.example.org]/',
        'osgs.yaml',
      ]);
      expect(createOsgs(['--yes'], { cwd: folder })).toMatchObject({ code: 0 });
      // What the public DNS and the authority's trusted certificate are elsewhere.
      const authority = deployment.beside('pebble.pem');
      writeFileSync(
        authority,
        execFileSync('docker', ['run', '--rm', 'osgs-standin-pebble:trixie', 'cat', '/pebble/cert.pem']),
      );
      writeFileSync(
        join(folder, 'compose.override.yaml'),
        JSON.stringify({
          services: {
            nginx: { networks: { certbot_nginx: { aliases: good } } },
            certbot: {
              environment: { REQUESTS_CA_BUNDLE: '/pebble.pem' },
              volumes: [`${authority}:/pebble.pem:ro`],
            },
            pebble: {
              image: 'osgs-standin-pebble:trixie',
              networks: ['certbot_nginx'],
              healthcheck: { test: ['CMD', 'true'], interval: '5s' },
            },
          },
        }),
      );
      expect(deployment.make('up')).toMatchObject({ code: 0 });

      for (const host of ['gis.example.org', 'maps.example.net'])
        await until(
          () => shown(host),
          ({ issuer }) => issuer.includes('Pebble'),
          150,
        );
      const certificate = await shown('gis.example.org');
      expect(certificate.checkHost('gis.example.org')).toBeDefined();
      expect(certificate.checkHost('www.example.org')).toBeDefined();
      expect(certificate.publicKey.asymmetricKeyType).toBe('ec');
      expect((await shown('absent.example.net')).issuer).toBe('CN=absent.example.net');
      const checked = deployment.make('check').stdout;
      expect(checked).toContain(
        'certificates/absent.example.net/fullchain.pem: is our own until the authority gives one',
      );
      expect(checked).toMatch(/^FAILED {2}certificates\/gis.example.org\/fullchain.pem: ends on/m);
      const page = run('curl', ['-sSk', '--connect-to', '::127.0.0.1:', 'https://maps.example.net:8443/']);
      expect(page.stdout).toContain('<html');
    },
    slow,
  );

  test(
    'a certificate that is due is renewed, and nginx shows the new one without a restart',
    async () => {
      const before = await shown('gis.example.org');
      const started = (): string =>
        deployment.run('docker', ['compose', 'ps', '--format', '{{.Name}} {{.CreatedAt}}', 'nginx']).stdout;
      const running = started();
      // Certificates of the test server are due after half of their two minutes.
      await until(
        () => Date.now(),
        (now) => now - Date.parse(before.validFrom) > 70_000,
        120,
      );
      expect(deployment.make('certificates-renew')).toMatchObject({ code: 0 });
      const after = await until(
        () => shown('gis.example.org'),
        ({ serialNumber }) => serialNumber !== before.serialNumber,
        100,
      );
      expect(after.issuer).toContain('Pebble');
      expect(started()).toBe(running);
    },
    slow,
  );
});

describe('certificates of the owner', () => {
  const deployment = new Deployment('own-files');
  const { folder } = deployment;
  const make = (host: string, file: string, key = file): void => {
    const at = join(folder, 'certificates', host);
    mkdirSync(at, { recursive: true });
    const name = (part: string): string => join(at, part);
    // prettier-ignore
    const made = run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
      '-days', '90', '-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`,
      '-keyout', name(`${key}.key`), '-out', name(`${file}.pem`)]);
    expect(made).toMatchObject({ code: 0 });
  };
  beforeAll(() => {
    expect(createOsgs([folder, ...common, '--tls=files', '--domain=gis.example.org'])).toMatchObject({
      code: 0,
    });
  });
  afterAll(() => deployment.remove(), slow);

  test(
    'nginx says which file is missing or does not fit, and starts when both are right; a new one is taken over',
    async () => {
      const start = (): string => {
        deployment.run('docker', ['compose', 'up', '-d', 'nginx']);
        return '';
      };
      const log = (): string => deployment.run('docker', ['compose', 'logs', '--tail', '5', 'nginx']).stdout;
      start();
      await until(
        log,
        (text) => text.includes('FAILED  certificates/gis.example.org/fullchain.pem: is missing'),
        60,
      );
      const at = join(folder, 'certificates/gis.example.org');
      make('gis.example.org', 'one');
      make('gis.example.org', 'two');
      copyFileSync(join(at, 'one.pem'), join(at, 'fullchain.pem'));
      copyFileSync(join(at, 'two.key'), join(at, 'privkey.pem'));
      await until(
        log,
        (text) => text.includes('is not the key of certificates/gis.example.org/fullchain.pem'),
        90,
      );
      copyFileSync(join(at, 'one.key'), join(at, 'privkey.pem'));
      expect(deployment.make('up')).toMatchObject({ code: 0 });
      const checked = deployment.make('check');
      expect(checked.stdout).toContain('ok      certificates/gis.example.org/fullchain.pem: valid until');
      expect(checked.stdout).toContain('all checks passed');

      const before = await shown('gis.example.org');
      copyFileSync(join(at, 'two.key'), join(at, 'privkey.pem'));
      copyFileSync(join(at, 'two.pem'), join(at, 'fullchain.pem'));
      await until(
        () => shown('gis.example.org'),
        ({ serialNumber }) => serialNumber !== before.serialNumber,
        100,
      );
      expect(deployment.run('git', ['init', '-q'])).toMatchObject({ code: 0 });
      expect(
        deployment.run('git', ['check-ignore', 'certificates/gis.example.org/privkey.pem']),
      ).toMatchObject({
        code: 0,
      });
    },
    slow,
  );
});
