import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createOsgs, run } from '../run.js';
import { Deployment } from './deployment.js';
import { shown, until } from './waiting.js';

const slow = 400_000;
const host = 'gis.example.org';

interface Finding {
  id: string;
  severity: string;
  finding: string;
}

/** What testssl.sh says of the nginx of a stack, by its ids. It knows the authority in `ca.crt` beside the repository. */
function scan(deployment: Deployment): Map<string, Finding> {
  const nginx = deployment.run('docker', ['compose', 'ps', '-q', 'nginx']).stdout.trim();
  // prettier-ignore
  const ran = run('docker', ['run', '--rm', '--network', `container:${nginx}`, '-v', `${dirname(deployment.folder)}:/scan`,
    'osgs-standin-testssl:trixie', '--quiet', '--color', '0', '--warnings', 'batch', '--ip', '127.0.0.1', '--nodns', 'none',
    '--add-ca', '/scan/ca.crt', '--jsonfile', '/scan/report.json', '--overwrite',
    // All that the grade needs; not the simulation of fifty clients.
    '--protocols', '--std', '--fs', '--server-preference', '--server-defaults', '--headers', '--vulnerable',
    `https://${host}/`], { timeout: slow });
  if (ran.code === null) throw new Error(`testssl.sh did not end: ${ran.stdout}`);
  const findings = JSON.parse(readFileSync(deployment.beside('report.json'), 'utf8')) as Finding[];
  return new Map(findings.map((finding) => [finding.id, finding]));
}

/** A stack with one small service, on ports of its own. */
function make(deployment: Deployment, ports: [http: number, https: number], ...more: string[]): void {
  const [http, https] = ports;
  // prettier-ignore
  const made = createOsgs([deployment.folder, '--yes', '--services=hugo', `--domain=${host}`,
    `--set=nginx.http_port=${http}`, `--set=nginx.https_port=${https}`, ...more]);
  expect(made).toMatchObject({ code: 0 });
}

const suites = (key: string): string =>
  `ECDHE-${key}-AES256-GCM-SHA384 ECDHE-${key}-CHACHA20-POLY1305 ECDHE-${key}-AES128-GCM-SHA256`;
const vulnerabilities =
  'heartbleed CCS ticketbleed ROBOT secure_renego secure_client_renego CRIME_TLS POODLE_SSL fallback_SCSV SWEET32 FREAK DROWN LOGJAM BEAST LUCKY13 winshock RC4';

/** What every mode has in common, by Mozilla's intermediate profile 6.0. */
function expectIntermediate(report: Map<string, Finding>, key: 'ECDSA' | 'RSA'): void {
  const said = (id: string): string => report.get(id)?.finding.trim() ?? 'nothing';
  const offered = ['SSLv2', 'SSLv3', 'TLS1', 'TLS1_1', 'TLS1_2', 'TLS1_3'].filter(
    (id) => !said(id).startsWith('not offered'),
  );
  expect(offered).toEqual(['TLS1_2', 'TLS1_3']);
  expect(said('supportedciphers_TLSv1_2')).toBe(suites(key));
  expect(said('supportedciphers_TLSv1_3')).toBe(
    'TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256 TLS_AES_128_GCM_SHA256',
  );
  expect(said('FS_KEMs')).toBe('X25519MLKEM768');
  expect(said('FS_ECDHE_curves').split(' ').sort()).toEqual(['X25519', 'prime256v1', 'secp384r1']);
  expect(said('ALPN_HTTP2')).toBe('h2');
  expect(said('cert_chain_of_trust')).toBe('passed.');
  // The keys of tickets are changed within a day.
  expect(said('TLS_session_ticket')).toContain('<daily');
  expect(said('banner_server')).toBe('nginx');
  for (const id of vulnerabilities.split(' '))
    expect({ id, severity: report.get(id)?.severity }).toEqual({ id, severity: 'OK' });
}

/** Ids of what testssl.sh finds wanting. It has no engine for GOST, and no name without SNI to resume a session by ticket. */
function complaints(report: Map<string, Finding>): string[] {
  return [...report.values()]
    .filter(({ id, severity }) => /LOW|MEDIUM|HIGH|CRITICAL|WARN/.test(severity) && id !== 'engine_problem')
    .map(({ id }) => id)
    .filter((id) => id !== 'sessionresumption_ticket')
    .sort();
}

describe('by an authority of its own', () => {
  const deployment = new Deployment('front-self');
  const inside = (...command: string[]): string => deployment.inside('certificates', command).stdout;
  beforeAll(() => {
    make(deployment, [8382, 8383], '--tls=self-signed', '--set=nginx.http3=true');
    expect(deployment.make('up')).toMatchObject({ code: 0 });
    writeFileSync(deployment.beside('ca.crt'), deployment.make('ca').stdout);
  }, slow);
  afterAll(() => deployment.remove(), slow);

  test(
    'testssl.sh gives A to whoever knows the authority, and misses nothing but a way to revoke and HSTS',
    () => {
      const report = scan(deployment);
      expectIntermediate(report, 'ECDSA');
      expect(report.get('overall_grade')?.finding).toBe('A');
      expect(report.get('grade_cap_reason_1')?.finding).toContain('HSTS is not offered');
      expect(complaints(report)).toEqual(['HSTS', 'cert_revocation']);
    },
    slow,
  );

  test('a visitor who comes again resumes the session, and one who can comes by HTTP/3', () => {
    const session = (...more: string[]): string =>
      deployment.inside('nginx', [
        'sh',
        '-c',
        // The session is written when its ticket has come, which is after the handshake.
        `(printf 'GET / HTTP/1.1\\r\\nHost: ${host}\\r\\nConnection: close\\r\\n\\r\\n'; sleep 1) | openssl s_client -connect 127.0.0.1:443 -servername ${host} ${more.join(' ')} 2>/dev/null`,
      ]).stdout;
    for (const version of ['-tls1_2', '-tls1_3']) {
      expect(session(version, '-sess_out', '/tmp/session')).toMatch(/^New, TLS/m);
      expect(session(version, '-sess_in', '/tmp/session')).toMatch(/^Reused, TLS/m);
    }
    // prettier-ignore
    const asked = deployment.inside('nginx', ['curl', '-ksS', '--http3-only', '--connect-to', '::127.0.0.1:443', '-o', '/dev/null',
      '-D', '-', '-w', '%{http_version} %{http_code}', `https://${host}:8383/portal/`]);
    expect(asked.stdout).toMatch(/^alt-svc: h3=":8383"; ma=86400/m);
    expect(asked.stdout).toMatch(/3 200$/);
  });

  test(
    'a certificate is signed again a month before it ends, and when the names change, and nginx shows the new one',
    async () => {
      const folder = `/certificates/${host}`;
      // The same names and the same authority, for so many days.
      const sign = (days: number): string => {
        inside(
          'sh',
          '-euc',
          `openssl req -new -key ${folder}/privkey.pem -subj /O=test -out /tmp/request
          printf '%s\\n' "$(cat ${folder}/names)" >/tmp/extensions
          openssl x509 -req -in /tmp/request -CA /authority/ca.crt -CAkey /authority/ca.key -days ${days} -extfile /tmp/extensions -out ${folder}/fullchain.pem`,
        );
        return inside('openssl', 'x509', '-in', `${folder}/fullchain.pem`, '-noout', '-serial');
      };
      const serial = (): string =>
        inside('openssl', 'x509', '-in', `${folder}/fullchain.pem`, '-noout', '-serial');
      const looked = async (): Promise<void> => {
        deployment.run('docker', ['compose', 'restart', 'certificates']);
        await until(
          () => deployment.run('docker', ['compose', 'ps', '--format', '{{.Health}}', 'certificates']).stdout,
          (health) => health.trim() === 'healthy',
          60,
        );
      };
      const early = sign(40);
      await looked();
      expect(serial()).toBe(early);
      const due = sign(20);
      await looked();
      expect(serial()).not.toBe(due);
      const days = ({ validTo }: { validTo: string }): number =>
        (Date.parse(validTo) - Date.now()) / 86_400_000;
      const renewed = await until(
        () => shown(host, 8383),
        (certificate) => days(certificate) > 80,
        100,
      );
      expect(renewed.subjectAltName).toBe(`DNS:${host}`);
      expect(days(renewed)).toBeLessThanOrEqual(90);

      deployment.run('sed', ['-i', `s/- host: ${host}/&\\n    aliases: [www.example.org]/`, 'osgs.yaml']);
      expect(createOsgs(['--yes'], { cwd: deployment.folder })).toMatchObject({ code: 0 });
      expect(deployment.make('up')).toMatchObject({ code: 0 });
      const wider = await until(
        () => shown('www.example.org', 8383),
        ({ subjectAltName }) => subjectAltName?.includes('www') === true,
        100,
      );
      expect(wider.subjectAltName).toBe(`DNS:${host}, DNS:www.example.org`);
      expect(wider.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
      // It is still the authority that people have installed.
      expect(deployment.make('ca').stdout).toBe(readFileSync(deployment.beside('ca.crt'), 'utf8'));
    },
    slow,
  );
});

describe('by files of the owner', () => {
  const deployment = new Deployment('front-files');
  beforeAll(() => {
    make(deployment, [8384, 8385], '--tls=files', '--set=nginx.hsts=preload');
    const at = join(deployment.folder, 'certificates', host);
    mkdirSync(at, { recursive: true });
    // prettier-ignore
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '90', '-subj', `/CN=${host}`,
      '-addext', `subjectAltName=DNS:${host}`, '-keyout', join(at, 'privkey.pem'), '-out', join(at, 'own.pem')], { stdio: 'ignore' });
    copyFileSync(join(at, 'own.pem'), join(at, 'fullchain.pem'));
    copyFileSync(join(at, 'own.pem'), deployment.beside('ca.crt'));
    expect(deployment.make('up')).toMatchObject({ code: 0 });
  }, slow);
  afterAll(() => deployment.remove(), slow);

  test(
    'testssl.sh gives A+ to a certificate that is trusted, of an RSA key too',
    () => {
      const report = scan(deployment);
      expectIntermediate(report, 'RSA');
      expect(report.get('overall_grade')?.finding).toBe('A+');
      expect(report.get('HSTS_time')?.severity).toBe('OK');
      expect(report.get('HSTS_subdomains')?.severity).toBe('OK');
      expect(report.get('HSTS_preload')?.severity).toBe('OK');
    },
    slow,
  );
});

describe("by Let's Encrypt's own test server", () => {
  const deployment = new Deployment('front-acme');
  beforeAll(async () => {
    make(
      deployment,
      [8386, 8387],
      '--tls=letsencrypt',
      '--email=gis@example.org',
      '--set=certbot.server=https://pebble:14000/dir',
    );
    const pebble = deployment.beside('pebble.pem');
    const configuration = deployment.beside('pebble.json');
    const read = (file: string): string =>
      execFileSync('docker', ['run', '--rm', 'osgs-standin-pebble:trixie', 'cat', file], {
        encoding: 'utf8',
      });
    writeFileSync(pebble, read('/pebble/cert.pem'));
    // As long as Let's Encrypt's own are valid, not the two minutes in which a renewal can be seen.
    writeFileSync(configuration, read('/pebble/config.json').replaceAll(': 120', ': 7776000'));
    writeFileSync(
      join(deployment.folder, 'compose.override.yaml'),
      JSON.stringify({
        services: {
          nginx: { networks: { certbot_nginx: { aliases: [host] } } },
          certbot: {
            environment: { REQUESTS_CA_BUNDLE: '/pebble.pem' },
            volumes: [`${pebble}:/pebble.pem:ro`],
          },
          pebble: {
            image: 'osgs-standin-pebble:trixie',
            networks: ['certbot_nginx'],
            volumes: [`${configuration}:/pebble/config.json:ro`],
            healthcheck: { test: ['CMD', 'true'], interval: '5s' },
          },
        },
      }),
    );
    expect(deployment.make('up')).toMatchObject({ code: 0 });
    await until(
      () => shown(host, 8387),
      ({ issuer }) => issuer.includes('Pebble'),
      150,
    );
    const root = deployment.inside('nginx', ['curl', '-ksS', 'https://pebble:15000/roots/0']).stdout;
    writeFileSync(deployment.beside('ca.crt'), root);
  }, slow);
  afterAll(() => deployment.remove(), slow);

  test(
    'testssl.sh gives A+',
    () => {
      const report = scan(deployment);
      expectIntermediate(report, 'ECDSA');
      expect(report.get('overall_grade')?.finding).toBe('A+');
      expect(report.get('OCSP_stapling')?.finding).toBe('not offered');
    },
    slow,
  );
});
