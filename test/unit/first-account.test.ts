import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { firstAccountProblems } from '../../catalog/first-accounts.js';
import { loadCatalog, packageRoot } from '../../catalog/load.js';
import type { Service } from '../../catalog/service.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import { emptyFolder, type Ran } from '../run.js';
import { domainsFor, makeStack } from '../stacks.js';

const catalog = loadCatalog();
const templates = loadTemplates(catalog);
const running: { close: () => void }[] = [];
afterEach(() => {
  for (const one of running.splice(0)) one.close();
});

const services = ['traccar', 'metabase', 'uptime-kuma', 'geoserver'];
const { rendered } = makeStack(
  {
    name: 'first',
    services: [...services, 'postgis'],
    domains: domainsFor(services, catalog),
    tls: 'off',
    expose: {},
    settings: {},
  },
  catalog,
  templates,
);
const file = (path: string): string => rendered.files.get(path)?.content ?? '';

/** Runs a program beside this process, whose servers must go on answering. */
function start(program: string, args: string[], env: Record<string, string>): Promise<Ran> {
  return new Promise((done, fail) => {
    const child = spawn(program, args, { env: { ...process.env, ...env } });
    const ran: Ran = { code: null, stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (ran.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (ran.stderr += chunk.toString()));
    child.on('error', fail);
    child.on('close', (code) => done({ ...ran, code }));
  });
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  running.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return (server.address() as AddressInfo).port;
}

/** A stub of a program, that of the engine tests, in a process of its own. */
async function stub(name: string, env: Record<string, string>): Promise<string> {
  const port = await listen(createServer());
  running.pop()?.close();
  const server = join(packageRoot(), `test/engine/standins/${name}/server.mjs`);
  const child: ChildProcess = spawn(process.execPath, [server], {
    env: { ...process.env, PORT: String(port), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.push({ close: () => child.kill() });
  await new Promise((done) => child.stdout?.once('data', done));
  return `127.0.0.1:${port}`;
}

/** Uptime Kuma's answers, by engine.io's long polling as the socket.io library speaks it. */
async function uptimeKuma(before: string[]): Promise<string> {
  const users = [...before];
  let waiting: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      if (!request.url?.includes('sid=')) return response.end('0{"sid":"s","upgrades":["websocket"]}');
      if (request.method === 'GET') {
        const packets = waiting.length > 0 ? waiting : ['2'];
        waiting = [];
        return response.end(packets.join('\u001e'));
      }
      const [, id = '', json = ''] = /^42(\d+)(.*)$/s.exec(body) ?? [];
      if (body === '40') waiting.push('40{"sid":"t"}', '42["loginRequired"]');
      if (json) {
        const [event, ...args] = JSON.parse(json) as [string, ...unknown[]];
        const login = args[0] as { username: string; password: string } | undefined;
        const answers: Record<string, () => unknown> = {
          needSetup: () => users.length === 0,
          setup: () => ({ ok: users.length === 0 && users.push(args.join(':')) > 0 }),
          login: () =>
            users.includes(`${login?.username ?? ''}:${login?.password ?? ''}`)
              ? { ok: true }
              : { ok: false, msg: 'authIncorrectCreds' },
        };
        waiting.push(`43${id}${JSON.stringify([answers[event]?.()])}`);
      }
      response.end('ok');
    });
  });
  return `127.0.0.1:${await listen(server)}`;
}

interface Job {
  name: string;
  script: string;
  secret: string;
  user: string;
  /** The variable that says where the program is, and its value for a host and port. */
  where: (address: string) => Record<string, string>;
  program: (before: string[]) => Promise<string>;
}

const jobs: Job[] = [
  {
    name: 'Traccar',
    script: 'services/traccar/admin.sh',
    secret: 'TRACCAR_ADMIN_PASSWORD',
    user: 'admin+1@example.org',
    where: (address) => ({ TRACCAR_API: `http://${address}/api` }),
    program: (before) => stub('traccar', { USERS_BEFORE: before.join(',') }),
  },
  {
    name: 'Metabase',
    script: 'services/metabase/setup.sh',
    secret: 'METABASE_ADMIN_PASSWORD',
    user: 'admin@example.org',
    where: (address) => ({ METABASE_API: `http://${address}/api`, SITE_NAME: 'first' }),
    program: (before) => stub('metabase', { USERS_BEFORE: before.join(',') }),
  },
  {
    name: 'Uptime Kuma',
    script: 'services/uptime-kuma/admin.sh',
    secret: 'UPTIME_KUMA_ADMIN_PASSWORD',
    user: 'admin',
    where: (address) => ({ UPTIME_KUMA_URL: `http://${address}` }),
    program: uptimeKuma,
  },
];

describe.each(jobs)(
  'the job that makes the administrator of $name',
  ({ script, secret, user, where, program }) => {
    const run = (address: string, password = 'right1'): Promise<Ran> => {
      const secrets = emptyFolder();
      writeFileSync(join(secrets, secret), password);
      const path = join(emptyFolder(), 'job.sh');
      writeFileSync(path, file(script));
      return start('dash', [path], {
        SECRETS: secrets,
        ADMIN_EMAIL: user,
        ADMIN_NAME: user,
        ...where(address),
      });
    };

    test('makes it where there are no users, and logs in with it at every start afterwards', async () => {
      const address = await program([]);
      const first = await run(address);
      expect(first).toMatchObject({ code: 0, stderr: '' });
      expect(first.stdout).toContain(`made the administrator ${user}`);
      const second = await run(address);
      expect(second).toMatchObject({ code: 0, stderr: '' });
      expect(second.stdout).not.toContain('made');
      expect(second.stdout).toContain(`${user} logs in with ${secret}`);
    });

    test('fails and says what to do where a stranger made the first account', async () => {
      const ran = await run(await program(['stranger:secret']));
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain(`put the password into .env as ${secret}`);
      expect(ran.stderr).toContain('somebody else has made the first account');
    });

    test('fails where the password was changed in the program', async () => {
      const ran = await run(await program([`${user}:other`]));
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain(secret);
    });

    test('fails where the program does not answer, and where the password has characters that it could not send', async () => {
      expect((await run('127.0.0.1:9')).code).toBe(1);
      const ran = await run(await program([]), 'a"b');
      expect(ran).toMatchObject({ code: 1 });
      expect(ran.stderr).toContain('may have letters, digits');
    });
  },
);

test('Traccar is not taken for safe where the account of .env is there but is no administrator', async () => {
  const address = await stub('traccar', { USERS_BEFORE: 'stranger:secret,admin:right1' });
  const secrets = emptyFolder();
  writeFileSync(join(secrets, 'TRACCAR_ADMIN_PASSWORD'), 'right1');
  const path = join(emptyFolder(), 'job.sh');
  writeFileSync(path, file('services/traccar/admin.sh'));
  const ran = await start('dash', [path], {
    SECRETS: secrets,
    ADMIN_EMAIL: 'admin',
    TRACCAR_API: `http://${address}/api`,
  });
  expect(ran.code).toBe(1);
  expect(ran.stderr).toContain('is no administrator');
});

describe('the job of GeoServer', () => {
  const run = async (right: string): Promise<Ran> => {
    const server = createServer((request, response) => {
      const known =
        request.headers.authorization === `Basic ${Buffer.from(`admin:${right}`).toString('base64')}`;
      response.writeHead(known ? 200 : 401).end('x');
    });
    const address = `127.0.0.1:${await listen(server)}`;
    const secrets = emptyFolder();
    writeFileSync(join(secrets, 'GEOSERVER_ADMIN_PASSWORD'), 'right1');
    const path = join(emptyFolder(), 'job.sh');
    writeFileSync(path, file('services/geoserver/setup.sh'));
    const env = { SECRETS: secrets, GEOSERVER_REST: `http://${address}`, TRIES: '2', PAUSE: '0' };
    return start('bash', [path], env);
  };

  test('goes on with the password of .env, and fails without it', async () => {
    expect((await run('right1')).stdout).toContain('admin logs in with GEOSERVER_ADMIN_PASSWORD');
    const refused = await run('other');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('put it into .env as GEOSERVER_ADMIN_PASSWORD');
  });
});

describe('the script that opens services', () => {
  /** Runs it until the services are open or the time is over, and says which are. */
  async function opened(addresses: Record<string, string>, patience: number): Promise<string[]> {
    const open = join(emptyFolder(), 'open');
    const path = join(emptyFolder(), 'first.sh');
    let text = file('scripts/nginx-first-accounts.sh').replace('sleep 2', 'sleep 0.2');
    for (const [from, to] of Object.entries(addresses)) text = text.replaceAll(from, to);
    // In the foreground here, so that it can be ended.
    writeFileSync(path, text.replace('watch &', 'watch'));
    const child = spawn('dash', [path], { env: { ...process.env, OSGS_OPEN: open }, stdio: 'ignore' });
    running.push({ close: () => child.kill() });
    const all = Object.keys(addresses).map((address) => address.split(':')[0] ?? '');
    const there = (): string[] => all.filter((service) => existsSync(join(open, service)));
    for (const until = Date.now() + patience; there().length < all.length && Date.now() < until;)
      await new Promise((done) => setTimeout(done, 100));
    return there();
  }
  const geoserver = async (status: number): Promise<string> =>
    `127.0.0.1:${await listen(createServer((request, response) => response.writeHead(request.headers.authorization ? status : 500).end()))}`;

  test('opens what has its administrator', async () => {
    const addresses = {
      'traccar:8082': await stub('traccar', { USERS_BEFORE: 'a:b' }),
      'metabase:3000': await stub('metabase', { USERS_BEFORE: 'a:b' }),
      'uptime-kuma:3001': await uptimeKuma(['a:b']),
      'geoserver:8080': await geoserver(401),
    };
    expect(await opened(addresses, 20_000)).toEqual(['traccar', 'metabase', 'uptime-kuma', 'geoserver']);
  });

  test('opens nothing that has none, that takes the public login, or that does not answer', async () => {
    const addresses = {
      'traccar:8082': await stub('traccar', {}),
      'metabase:3000': '127.0.0.1:9',
      'uptime-kuma:3001': await uptimeKuma([]),
      'geoserver:8080': await geoserver(200),
    };
    expect(await opened(addresses, 4_000)).toEqual([]);
  });
});

describe('a service file', () => {
  const at = (path: (string | number)[], message: string) => ({ file: 'x', path, message }) as never;
  const service = (more: Partial<Service>): Service =>
    ({
      id: 'one',
      routes: [{ upstream: 'one:80', prefix: 'keep', own: 'root', access: 'login' }],
      ...more,
    }) as Service;
  const account = { made_by: 'x', source: 'y' };

  test('of a service with a login says who makes the first account', () => {
    expect(firstAccountProblems(service({}), at)).toHaveLength(1);
    expect(firstAccountProblems(service({ first_account: account }), at)).toEqual([]);
    for (const one of catalog.values())
      if (one.routes?.some(({ access }) => access === 'login'))
        expect(one.first_account?.source).toBeTruthy();
  });

  test('has nginx ask a container that nginx reaches', () => {
    const ask = (container: string) => ({ ...account, ask: `${container}:80/`, open_when: [200] });
    expect(firstAccountProblems(service({ first_account: ask('two') }), at)).toHaveLength(1);
    expect(firstAccountProblems(service({ first_account: ask('one') }), at)).toEqual([]);
  });
});

test('a stack without such services has nothing that asks', () => {
  const { files } = makeStack(
    {
      name: 'none',
      services: ['martin', 'postgis'],
      domains: [{ host: 'a.example' }],
      tls: 'off',
      expose: {},
      settings: {},
    },
    catalog,
    templates,
  ).rendered;
  expect([...files.keys()]).not.toContain('scripts/nginx-first-accounts.sh');
  expect(files.get('compose.yaml')?.content).not.toContain('first-accounts');
});
