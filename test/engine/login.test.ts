import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createOsgs, type Ran } from '../run.js';
import { madeUpHead } from '../stacks.js';
import { Deployment } from './deployment.js';

const deployment = new Deployment('login');
const { folder } = deployment;
const slow = 600_000;
const site = 'https://gis.example.org:8493';
const here = deployment.run.bind(deployment);
const catalog = deployment.beside('catalog');
const jar = deployment.beside('cookies');

/** A service of a folder outside that answers with what reached it, on a protected route and on a public one. */
const echo = `${madeUpHead('echo', 'api', 'Says what it hears.')}image: { name: osgs-standin-node, tag: "24", evidence: the stand-in }
memory: 32
stateless: A test.
compose:
  services:
    echo:
      entrypoint:
        - node
        - -e
        - >-
          require('http').createServer((asked, answer) =>
          answer.end(JSON.stringify({ url: asked.url, headers: asked.headers }))).listen(8080)
      user: "1000:1000"
      healthcheck: { test: [CMD, node, -e, "fetch('http://127.0.0.1:8080/')"], interval: 5s }
      deploy: { resources: { limits: { memory: 128M } } }
routes:
  - { upstream: "echo:8080", path: /echo/, paths: free, prefix: keep, own: root, websocket: true, access: protected }
  - { name: open, title: Open, upstream: "echo:8080", path: /open/, paths: free, prefix: keep, own: root, access: public }
`;

interface Answer {
  status: string;
  to: string;
  head: string;
  body: string;
}

/** A browser that keeps its cookies and follows nothing by itself. */
function browse(address: string, ...more: string[]): Answer {
  const head = deployment.beside('head');
  const ran = here('curl', [
    '-sS',
    '--max-time',
    '30',
    '--cacert',
    deployment.beside('ca.crt'),
    '--connect-to',
    '::127.0.0.1:8493',
    '-b',
    jar,
    '-c',
    jar,
    '-D',
    head,
    '-w',
    '\n%{http_code} %{redirect_url}',
    ...more,
    address,
  ]);
  if (ran.code !== 0) throw new Error(`${address}: ${ran.stderr}`);
  const at = ran.stdout.lastIndexOf('\n');
  const [status = '', to = ''] = ran.stdout.slice(at + 1).split(' ');
  return { status, to, head: here('cat', [head]).stdout, body: ran.stdout.slice(0, at) };
}

/** Follows redirects to where they end, which must be soon. */
function follow(first: Answer): Answer {
  let answer = first;
  for (let steps = 0; answer.to !== ''; steps += 1) {
    if (steps === 8) throw new Error(`too many redirects, the last to ${answer.to}`);
    answer = browse(answer.to);
  }
  return answer;
}

/** Goes to a protected page and fills in the form of the login to which that leads. */
function logIn(path: string, user: string, password: string): Answer {
  const form = follow(browse(site + path));
  const action = /action="([^"]+)"/.exec(form.body)?.[1] ?? '';
  expect(action).toMatch(/^https:\/\/gis\.example\.org:8493\/auth\/realms\/gis\/login-actions\//);
  const fields = ['--data-urlencode', `username=${user}`, '--data-urlencode', `password=${password}`];
  return follow(browse(action, ...fields));
}

/** What the echo says that it heard. */
function heard({ body }: Answer): { url: string; headers: Record<string, string> } {
  return JSON.parse(body) as { url: string; headers: Record<string, string> };
}

/** Every name by which a proxy tells a service who is there. */
const identity = [
  'Remote-User',
  'Remote-Groups',
  'Remote-Email',
  'Remote-Name',
  'X-Forwarded-User',
  'X-Forwarded-Groups',
  'X-Forwarded-Email',
  'X-Forwarded-Preferred-Username',
  'X-Forwarded-Access-Token',
  'X-Auth-Request-User',
  'X-Auth-Request-Email',
  'X-Auth-Request-Groups',
  'X-Auth-Request-Preferred-Username',
  'X-Auth-Request-Access-Token',
  'X-Remote-User',
  'X-WebAuth-User',
];
const forged = identity.flatMap((name) => ['-H', `${name}: mallory`]);

describe('a protected route behind OAuth2 Proxy and Keycloak on a real engine', () => {
  const password = 'Correct horse 1!';
  const kcadm = (...words: string[]): Ran =>
    deployment.inside('keycloak', ['/opt/keycloak/bin/kcadm.sh', ...words, '--config', '/tmp/kcadm']);

  beforeAll(() => {
    mkdirSync(catalog);
    writeFileSync(join(catalog, 'echo.yaml'), echo);
    const made = createOsgs([
      folder,
      '--yes',
      '--services=echo,oauth2-proxy,keycloak',
      '--catalog',
      catalog,
      '--domain=gis.example.org',
      '--set=nginx.http_port=8093',
      '--set=nginx.https_port=8493',
    ]);
    expect(made).toMatchObject({ code: 0 });
    deployment.must('up');
    writeFileSync(deployment.beside('ca.crt'), deployment.make('ca').stdout);
    // A person, as the administrator makes one.
    const admin = ['--realm', 'master', '--user', 'admin'];
    const secret = ['--password', deployment.secret('KEYCLOAK_ADMIN_PASSWORD')];
    expect(
      kcadm('config', 'credentials', '--server', 'http://localhost:8080/auth', ...admin, ...secret),
    ).toMatchObject({ code: 0 });
    expect(kcadm('create', 'users', '-r', 'gis', '-s', 'username=ada', '-s', 'enabled=true').code).toBe(0);
    expect(kcadm('set-password', '-r', 'gis', '--username', 'ada', '--new-password', password)).toMatchObject(
      { code: 0 },
    );
  }, slow);

  beforeEach(() => {
    rmSync(jar, { force: true });
  });

  afterAll(() => {
    deployment.remove();
  }, slow);

  test('make check finds every address as it must be', () => {
    const checked = here('make', ['-s', 'check']);
    expect(checked.stdout).toContain('all checks passed');
  });

  test('sends who has no session to sign in, whatever is asked and however, and hands nothing on', () => {
    const { status, to, body } = browse(`${site}/echo/a?b=c&d=e`);
    expect(status).toBe('302');
    const login = new URL(to);
    expect(login.origin + login.pathname).toBe(`${site}/auth/realms/gis/protocol/openid-connect/auth`);
    expect(Object.fromEntries(login.searchParams)).toMatchObject({
      client_id: 'oauth2-proxy',
      redirect_uri: `${site}/oauth2/callback`,
      response_type: 'code',
      code_challenge_method: 'S256',
    });
    expect(body).not.toContain('headers');
    const upgrade = ['--http1.1', '-H', 'Connection: Upgrade', '-H', 'Upgrade: websocket'];
    for (const more of [['-X', 'POST', '-d', 'x=y'], ['-X', 'DELETE'], upgrade, forged]) {
      const refused = browse(`${site}/echo/`, ...more);
      expect(refused.status).toBe('302');
      expect(refused.body).not.toContain('headers');
    }
  });

  test('lets nobody in by a wrong password, by a made-up session or by a callback that nobody asked for', () => {
    expect(logIn('/echo/', 'ada', 'wrong').body).toContain('Invalid username or password');
    expect(browse(`${site}/echo/`).status).toBe('302');
    rmSync(jar);
    expect(browse(`${site}/echo/`, '-b', '_oauth2_proxy=bm9ib2R5').status).toBe('302');
    rmSync(jar);
    expect(browse(`${site}/oauth2/callback?code=made-up&state=made-up:/echo/`).status).toBe('403');
    expect(browse(`${site}/echo/`).status).toBe('302');
  });

  test('after a login comes back to the page that was asked for, and tells the service who is there', () => {
    const page = logIn('/echo/a?b=c&d=e', 'ada', password);
    expect(page.status).toBe('200');
    expect(heard(page)).toMatchObject({
      url: '/echo/a?b=c&d=e',
      headers: { 'remote-user': 'ada', 'x-forwarded-user': 'ada' },
    });
    expect(browse(`${site}/echo/again`).status).toBe('200');
    // The session is of this host alone, over TLS alone, and no script reads it.
    const session = browse(`${site}/oauth2/start`).head;
    expect(session).toMatch(/set-cookie: _oauth2_proxy_csrf=.*HttpOnly; Secure; SameSite=lax/i);
    expect(here('cat', [jar]).stdout).toMatch(
      /^#HttpOnly_gis\.example\.org\tFALSE\t\/\tTRUE\t\d+\t_oauth2_proxy\t/m,
    );

    expect(browse(`${site}/oauth2/sign_out`).status).toBe('302');
    expect(browse(`${site}/echo/`).status).toBe('302');
  });

  test('takes a name that a client gives itself from every request, with a session and on a public route', () => {
    expect(logIn('/echo/', 'ada', password).status).toBe('200');
    const inside = browse(`${site}/echo/`, ...forged);
    expect(inside.status).toBe('200');
    expect(inside.body).not.toContain('mallory');
    expect(heard(inside).headers).toMatchObject({ 'remote-user': 'ada', 'x-forwarded-user': 'ada' });
    const open = browse(`${site}/open/`, ...forged);
    expect(open.status).toBe('200');
    expect(open.body).not.toContain('mallory');
    expect(Object.keys(heard(open).headers)).not.toContain('remote-user');
  });

  test(
    'has its client made anew by make up, with the address and the secret of this stack',
    () => {
      expect(here('docker', ['compose', 'run', '--rm', '-T', 'keycloak-setup'])).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('the client oauth2-proxy is in place') as unknown,
      });
      const clients = kcadm('get', 'clients', '-r', 'gis', '-q', 'clientId=oauth2-proxy');
      expect(JSON.parse(clients.stdout)).toMatchObject([
        {
          secret: deployment.secret('OAUTH2_PROXY_CLIENT_SECRET'),
          redirectUris: [`${site}/oauth2/callback`],
        },
      ]);
    },
    slow,
  );
});
