import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { packageRoot } from '../../catalog/load.js';
import { createOsgs } from '../run.js';
import { madeUpHead } from '../stacks.js';
import { Deployment } from './deployment.js';

const slow = 300_000;
const deployment = new Deployment('bounds');
const host = 'gis.example.org';

/** A service that takes bodies of up to 10 MB, which nginx keeps in files until they are whole, and has a large file. */
const depot = `${madeUpHead('depot', 'api', 'Takes and gives files.')}image: { name: nginx, tag: 1.30.5, evidence: the stub image }
memory: 16
stateless: It forgets what it gets.
compose:
  services:
    depot:
      entrypoint:
        - sh
        - -c
        - |
          echo 'daemon off; error_log stderr; events { worker_connections 4096; } http { client_max_body_size 0; access_log off;
            server { listen 8080; root /srv; location /depot/put { dav_methods PUT; alias /dev/null; return 204; } } }' >/etc/depot.conf
          mkdir -p /srv/depot && truncate -s 40M /srv/depot/large && truncate -s 500K /srv/depot/middle && echo ok >/srv/depot/small
          exec nginx -c /etc/depot.conf
      read_only: false
      cap_add: [CHOWN, SETGID, SETUID]
      healthcheck: { test: [CMD, curl, -fsSI, -o, /dev/null, "http://127.0.0.1:8080/depot/small"], interval: 1s }
      deploy: { resources: { limits: { memory: 512M } } }
routes:
  - { upstream: "depot:8080", path: /depot/, paths: fixed, prefix: keep, own: root, body_size: 10m, access: public }
hardening:
  depot: { root: a test, capabilities: a test, writable: a test }
checks:
  - { path: small, status: 200 }
`;

beforeAll(() => {
  const catalog = deployment.beside('catalog');
  mkdirSync(join(catalog, 'services'), { recursive: true });
  writeFileSync(join(catalog, 'services/depot.yaml'), depot);
  const made = createOsgs([
    deployment.folder,
    '--yes',
    '--services=depot',
    `--catalog=${catalog}`,
    `--domain=${host}`,
    '--tls=off',
    '--set=nginx.http_port=8346',
  ]);
  expect(made).toMatchObject({ code: 0 });
  deployment.must('up');
}, slow);
afterAll(() => {
  for (const name of ['bounds-slow', 'bounds-ordinary']) deployment.run('docker', ['rm', '-f', name]);
  deployment.remove();
}, slow);

/** A program of this folder in a container, which has an address of its own on the network of nginx. */
function start(name: string, program: string, ...args: string[]): void {
  const folder = join(packageRoot(), 'dist/test/engine');
  deployment.docker(
    ...['run', '-d', '--name', name, '--network', 'bounds_nginx_in', '-v', `${folder}:/programs:ro`],
    ...['--entrypoint', 'node', 'osgs-standin-node:24', `/programs/${program}.js`, ...args],
  );
}

/** The most memory that nginx's container has used, and its limit, in MiB. */
function memory(): { most: number; limit: number } {
  const read = (old: string, now: string): number =>
    Number(
      deployment
        .inside('nginx', [
          'sh',
          '-c',
          `cat /sys/fs/cgroup/memory/${old} 2>/dev/null || cat /sys/fs/cgroup/${now}`,
        ])
        .stdout.trim(),
    ) /
    1024 /
    1024;
  return {
    most: Math.round(read('memory.max_usage_in_bytes', 'memory.peak')),
    limit: Math.round(read('memory.limit_in_bytes', 'memory.max')),
  };
}

test(
  'while one address holds 200 slow requests and 50 uploads, another one is served, and nothing of nginx is killed',
  async () => {
    const id = deployment.docker('compose', 'ps', '-q', 'nginx');
    const address = deployment.docker(
      ...['inspect', '--format', '{{(index .NetworkSettings.Networks "bounds_nginx_in").IPAddress}}', id],
    );
    // A worker that was killed is replaced by one with another number.
    const workersNow = (): string[] =>
      deployment
        .docker('top', id, '-eo', 'pid,args')
        .split('\n')
        .filter((line) => line.includes('worker process'));
    const workers = workersNow();
    expect(workers.length).toBeGreaterThan(0);
    start('bounds-slow', 'slow-clients', address, host);
    await sleep(5000);
    start('bounds-ordinary', 'ordinary-client', address, host, '40');
    deployment.docker('wait', 'bounds-ordinary');
    const measured = JSON.parse(deployment.docker('logs', 'bounds-ordinary')) as {
      counts: Record<string, number>;
      slowest: number;
    };
    const held = memory();
    const log = deployment.docker('compose', 'logs', '--no-color', 'nginx');
    const refused = log.split('\n').filter((line) => line.includes('"status":429')).length;
    const figures = { ...measured, ...held, refused };
    console.log(JSON.stringify(figures));
    expect(Object.keys(measured.counts).sort()).toEqual(['PUT 204', 'middle 200', 'small 200']);
    expect(measured.counts['small 200']).toBeGreaterThan(100);
    expect(held.most).toBeLessThan(held.limit);
    expect(workersNow()).toEqual(workers);
    expect(log).not.toMatch(/exited on signal|No space left/);
    // The limits were met, and not the folder's size.
    expect(refused).toBeGreaterThan(0);
    expect(log).toContain('"limit":"number"');

    deployment.docker('rm', '-f', 'bounds-slow');
    const after = deployment.run('curl', [
      ...['-sS', '-o', '/dev/null', '-w', '%{http_code}', '-H', `Host: ${host}`],
      `http://127.0.0.1:8346/depot/middle`,
    ]);
    expect(after.stdout).toBe('200');
  },
  slow,
);
