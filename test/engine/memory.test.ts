import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createOsgs, run, type Ran } from '../run.js';
import { madeUpHead } from '../stacks.js';
import { Deployment } from './deployment.js';

const slow = 300_000;
const deployment = new Deployment('faultmem');
const { folder } = deployment;
const port = 8345;
const site = `http://gis.example.org:${port}`;

/** A service that takes all and gives much. Its files are more than nginx's container may use of memory. */
const depot = `${madeUpHead('depot', 'api', 'Takes and gives large files.')}image: { name: nginx, tag: 1.30.5, evidence: the stand-in }
memory: 16
stateless: It forgets what it gets.
compose:
  services:
    depot:
      entrypoint:
        - sh
        - -c
        - |
          echo 'daemon off; error_log stderr; events {} http { client_max_body_size 0; server { listen 8080; root /srv;
            location /depot/put { dav_methods PUT; alias /dev/null; return 204; } } }' >/etc/depot.conf
          mkdir -p /srv/depot && truncate -s 400M /srv/depot/large && exec nginx -c /etc/depot.conf
      read_only: false
      cap_add: [CHOWN, SETGID, SETUID]
      healthcheck: { test: [CMD, curl, -fsSI, -o, /dev/null, "http://127.0.0.1:8080/depot/large"], interval: 1s }
      deploy: { resources: { limits: { memory: 256M } } }
routes:
  - { upstream: "depot:8080", path: /depot/, paths: fixed, prefix: keep, own: root, body_size: 512m, access: public }
hardening:
  depot: { root: a test, capabilities: a test, writable: a test }
checks:
  - { path: large, status: 200 }
`;

const curl = (...args: string[]): Ran =>
  run('curl', [
    '-sS',
    '--connect-to',
    `::127.0.0.1:${port}`,
    '-o',
    '/dev/null',
    '-w',
    '%{http_code}',
    ...args,
  ]);
/** nginx and its processes, as long as none was started again. */
const nginx = (): string =>
  deployment.run('sh', [
    '-c',
    'id=$(docker compose ps -q nginx); docker inspect --format "{{.State.StartedAt}}" "$id"; docker top "$id" -eo pid,comm',
  ]).stdout;

describe('files that are larger than the memory of nginx', () => {
  beforeAll(() => {
    const catalog = deployment.beside('catalog');
    mkdirSync(join(catalog, 'services'), { recursive: true });
    writeFileSync(join(catalog, 'services/depot.yaml'), depot);
    const made = createOsgs([
      folder,
      '--yes',
      '--services=depot',
      `--catalog=${catalog}`,
      '--domain=gis.example.org',
      '--tls=off',
      `--set=nginx.http_port=${port}`,
    ]);
    expect(made).toMatchObject({ code: 0 });
    deployment.must('up');
  }, slow);
  afterAll(() => {
    deployment.remove();
  }, slow);

  test(
    'go up to a service',
    () => {
      const before = nginx();
      const file = deployment.beside('large');
      writeFileSync(file, '');
      truncateSync(file, 400 * 1024 * 1024);
      expect(curl('--max-time', '120', '-T', file, `${site}/depot/put`)).toMatchObject({ stdout: '204' });
      expect(nginx()).toBe(before);
    },
    slow,
  );

  test(
    'come down to a client that is slow',
    () => {
      const before = nginx();
      // It gives up after a while; what counts is what nginx took meanwhile.
      expect(curl('--max-time', '20', '--limit-rate', '100k', `${site}/depot/large`)).toMatchObject({
        code: 28,
        stdout: '200',
      });
      expect(nginx()).toBe(before);
      expect(curl('--max-time', '20', '-r', '0-99', `${site}/depot/large`).stdout).toBe('206');
    },
    slow,
  );
});
