import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createOsgs } from '../run.js';
import { Deployment } from './deployment.js';

const slow = 300_000;
const deployment = new Deployment('upgrade');
const { folder } = deployment;
const file = join(folder, 'compose.yaml');
const image = 'swaggerapi/swagger-ui';

/** Makes an image of the next version: the same, or one whose program ends at once. */
function next(tag: string, program: string): void {
  const [now] = execFileSync('docker', ['images', '--format', '{{.Repository}}:{{.Tag}}', image], {
    encoding: 'utf8',
  }).split('\n');
  execFileSync('docker', ['build', '-q', '-t', `${image}:${tag}`, '-'], {
    input: `FROM ${now}\nLABEL version=${tag}\n${program}\n`,
    env: { ...process.env, DOCKER_BUILDKIT: '0' },
  });
}
const running = (): string =>
  deployment.run('docker', ['compose', 'exec', '-T', 'swagger-ui', 'true']).code === 0
    ? deployment
        .run('sh', [
          '-c',
          'docker inspect --format "{{index .Config.Labels \\"version\\"}}" "$(docker compose ps -q swagger-ui)"',
        ])
        .stdout.trim()
    : 'none';

beforeAll(() => {
  const made = createOsgs([
    folder,
    '--yes',
    '--services=swagger-ui',
    '--domain=gis.example.org',
    '--tls=off',
    '--set=nginx.http_port=8080',
  ]);
  expect(made).toMatchObject({ code: 0 });
  next('v5.90.0', '');
  next('v5.91.0', 'ENTRYPOINT ["false"]');
}, slow);
afterAll(() => {
  deployment.remove();
  deployment.run('docker', ['rmi', `${image}:v5.90.0`, `${image}:v5.91.0`]);
}, slow);

test(
  'make upgrade takes a new image over after a backup, and goes back to the one of before where a new one does not start',
  () => {
    const upgrade = () => deployment.make('upgrade', 'PULL=no', 'WAIT_SECONDS=40');
    expect(upgrade().stderr).toContain('nothing runs: make up starts the stack');
    expect(deployment.make('up')).toMatchObject({ code: 0 });

    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(/swagger-ui:v[0-9.]+/, 'swagger-ui:v5.90.0'));
    const good = upgrade();
    expect(good).toMatchObject({ code: 0 });
    expect(good.stdout).toContain('the stack runs on the images of compose.yaml');
    expect(running()).toBe('v5.90.0');
    expect(deployment.make('backups').stdout).toMatch(/\d{4}/);

    writeFileSync(file, text.replace(/swagger-ui:v[0-9.]+/, 'swagger-ui:v5.91.0'));
    const bad = upgrade();
    expect(bad.code).not.toBe(0);
    expect(bad.stderr).toContain('the stack runs on the images of before');
    expect(running()).toBe('v5.90.0');
    expect(deployment.make('check').stdout).toContain('all checks passed');
  },
  slow,
);
