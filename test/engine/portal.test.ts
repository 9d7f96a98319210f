import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createOsgs, run } from '../run.js';
import { Deployment } from './deployment.js';
import { until } from './waiting.js';

const slow = 300_000;
const deployment = new Deployment('front-portal');

beforeAll(() => {
  // prettier-ignore
  const made = createOsgs([deployment.folder, '--yes', '--services=swagger-ui,mapproxy,hugo', '--tls=self-signed',
    '--domain=gis.example.org', '--domain=tiles.example.net=mapproxy',
    '--set=nginx.http_port=8390', '--set=nginx.https_port=8391', '--set=swagger-ui.access=protected']);
  expect(made).toMatchObject({ code: 0 });
  expect(deployment.make('up')).toMatchObject({ code: 0 });
}, slow);
afterAll(() => deployment.remove(), slow);

/** The state of each service as the page tells it. */
function states(page: string, ...more: string[]): Record<string, string> {
  // prettier-ignore
  const { stdout } = run('curl', ['-ksS', '--connect-to', '::127.0.0.1:8391', ...more, `https://gis.example.org:8391${page}`]);
  const items = [...stdout.matchAll(/<h2><a [^>]*>(.*?)<\/a>[^]*?<\/small>([^]*?)<\/li>/g)];
  return Object.fromEntries(
    items.map(([, title = '', rest = '']) => [title, rest.replace(/<[^>]*>|&#\d+;/g, '').trim()]),
  );
}

test(
  'the portal says of a service that was stopped that it does not answer, and of one that came back that it does',
  async () => {
    const password = `gis:${deployment.secret('NGINX_BASIC_PASSWORD')}`;
    const all = { MapProxy: 'answers', 'Swagger UI': 'answers', 'Static site (Hugo)': 'answers' };
    expect(states('/portal/')).toEqual({ ...all, 'Swagger UI': '' });
    expect(states('/portal/status', '-u', password)).toEqual(all);
    for (const [command, state] of [
      ['stop', 'does not answer'],
      ['start', 'answers'],
    ] as const) {
      deployment.run('docker', ['compose', command, 'mapproxy', 'swagger-ui']);
      const seen = await until(
        () => states('/portal/status', '-u', password),
        ({ MapProxy, 'Swagger UI': swagger }) => MapProxy === state && swagger === state,
        60,
      );
      expect(seen['Static site (Hugo)']).toBe('answers');
      const checked = deployment.make('check').stdout;
      if (command === 'start') expect(checked).toContain('all checks passed');
      else {
        expect(checked).toMatch(/^FAILED {2}mapproxy: has ended with code \d+: make logs s=mapproxy$/m);
        expect(checked).toMatch(/^FAILED {2}MapProxy: https:.* answered 502, not 200$/m);
        expect(deployment.make('errors').stdout).toMatch(/^ +\d+ {2}502 tiles\.example\.net\/mapproxy\/$/m);
      }
      expect(deployment.make('services').stdout).toContain('swagger-ui\n');
    }
  },
  slow,
);
