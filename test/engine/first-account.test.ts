import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createOsgs, type Ran } from '../run.js';
import { Deployment } from './deployment.js';

const slow = 600_000;
const port = 8098;
const hosts = { traccar: 'traccar.test', metabase: 'metabase.test', 'uptime-kuma': 'kuma.test' };

/** `make up` beside this process, which goes on asking. */
function makeUp(folder: string): Promise<Ran> {
  return new Promise((done, fail) => {
    const child = spawn('make', ['-s', 'up'], { cwd: folder, env: { ...process.env, WAIT_SECONDS: '180' } });
    const ran: Ran = { code: null, stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (ran.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (ran.stderr += chunk.toString()));
    child.on('error', fail);
    child.on('close', (code) => done({ ...ran, code }));
  });
}

/** One request to nginx on this host; the status is 0 where nothing answers yet. */
function ask(
  host: string,
  path: string,
  { body, type = 'application/json', auth }: { body?: string; type?: string; auth?: string } = {},
): Promise<{ status: number; body: string }> {
  return new Promise((done) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method: body === undefined ? 'GET' : 'POST',
        agent: false,
        timeout: 5000,
        headers: { Host: host, ...(body === undefined ? {} : { 'Content-Type': type }) },
        ...(auth === undefined ? {} : { auth }),
      },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => done({ status: response.statusCode ?? 0, body: text }));
        response.on('error', () => done({ status: 0, body: '' }));
      },
    );
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => done({ status: 0, body: '' }));
    sent.end(body);
  });
}

/** Tries to become the administrator, as fast as it can, until it is told to stop. Returns statuses and what succeeded. */
async function stranger(
  until: () => boolean,
  auth: string,
): Promise<{ statuses: Map<string, number>; won: string[] }> {
  const statuses = new Map<string, number>();
  const won: string[] = [];
  const note = (what: string, { status, body }: { status: number; body: string }, win: boolean): string => {
    const key = `${what} ${status}`;
    statuses.set(key, (statuses.get(key) ?? 0) + 1);
    if (win) won.push(key);
    return body;
  };
  const tries: (() => Promise<void>)[] = [
    async () => {
      const user = { name: 'x', email: 'stranger@example.org', password: 'x' };
      const got = await ask(hosts.traccar, '/api/users', { body: JSON.stringify(user) });
      note('traccar', got, got.body.includes('"administrator":true'));
    },
    async () => {
      const got = await ask(hosts.metabase, '/api/session/properties');
      const token = /"setup-token":"([^"]+)"/.exec(note('metabase token', got, false))?.[1];
      const user = { email: 'stranger@example.org', password: 'x' };
      const body = JSON.stringify({ token: token ?? 'none', user, prefs: { site_name: 'x' } });
      const made = await ask(hosts.metabase, '/api/setup', { body });
      note('metabase', made, made.status === 200);
    },
    // This one knows the password of the gate, as everybody who may enter protected pages does.
    async () => {
      const io = '/socket.io/?EIO=4&transport=polling';
      const opened = await ask(hosts['uptime-kuma'], io, { auth });
      const sid = /"sid":"([^"]+)"/.exec(note('uptime-kuma', opened, false))?.[1];
      if (sid === undefined) return;
      const text = { type: 'text/plain', auth };
      await ask(hosts['uptime-kuma'], `${io}&sid=${sid}`, { ...text, body: '40' });
      await ask(hosts['uptime-kuma'], `${io}&sid=${sid}`, { ...text, body: '420["setup","stranger","x"]' });
      const got = await ask(hosts['uptime-kuma'], `${io}&sid=${sid}`, { auth });
      note('uptime-kuma setup', got, /"ok":true/.test(got.body));
    },
  ];
  await Promise.all(
    tries.map(async (one) => {
      while (!until()) {
        await one();
        await new Promise((done) => setTimeout(done, 5));
      }
    }),
  );
  return { statuses, won };
}

/** Replaces nginx's line that refuses a service: what the stack was before there was one. */
function takeOut(folder: string): void {
  for (const id of Object.keys(hosts)) {
    const file = join(folder, `nginx/routes/${id}.conf`);
    writeFileSync(
      file,
      readFileSync(file, 'utf8')
        .replaceAll('return 503;', '')
        .replace(/location \^~ \/api\/setup \{\n[^}]*\}/, ''),
    );
  }
}

describe('first accounts on a real engine', () => {
  const deployment = new Deployment('first-account');
  const { folder } = deployment;
  const gate = (): string => `gis:${deployment.secret('NGINX_BASIC_PASSWORD')}`;

  beforeAll(() => {
    const made = createOsgs([
      folder,
      '--yes',
      '--services=traccar,metabase,uptime-kuma',
      '--domain=gis.test',
      ...Object.entries(hosts).map(([id, host]) => `--domain=${host}=${id}`),
      '--tls=off',
      `--set=nginx.http_port=${port}`,
      '--email=owner@example.org',
    ]);
    expect(made).toMatchObject({ code: 0 });
    if (process.env.OSGS_TAKE_OUT) takeOut(folder);
  }, slow);

  afterAll(() => {
    deployment.remove();
  }, slow);

  test(
    'a stranger who asks from the first second on is refused, and the account of the job is the only one',
    async () => {
      let up = false;
      const trying = stranger(() => up, gate());
      const ran = await makeUp(folder);
      up = true;
      const { statuses, won } = await trying;
      process.stderr.write(`${JSON.stringify([...statuses])}\n`);
      expect(won).toEqual([]);
      expect({ code: ran.code, stderr: ran.stderr.slice(-2000) }).toMatchObject({ code: 0 });
      expect([...statuses.keys()].filter((key) => key.endsWith(' 503')).length).toBeGreaterThanOrEqual(3);
      for (const [id, admin] of [
        ['traccar', 'owner@example.org'],
        ['metabase', 'owner@example.org'],
        ['uptime-kuma', 'admin'],
      ] as const) {
        // The stranger has used up what nginx lets this address ask with a password: 429 for a while.
        let answer = await ask(hosts[id], '/stub/users', { auth: gate() });
        for (let tries = 0; answer.status === 429 && tries < 60; tries += 1) {
          await sleep(1000);
          answer = await ask(hosts[id], '/stub/users', { auth: gate() });
        }
        expect({ id, ...answer }).toMatchObject({ id, status: 200 });
        expect(JSON.parse(answer.body)).toEqual([admin]);
      }
    },
    slow,
  );

  test(
    'make check sees that all are open',
    () => {
      const checked = deployment.make('check');
      expect(checked.stdout).toContain('ok      traccar has its administrator');
    },
    slow,
  );

  test(
    'make up fails and says why where a stranger has made the first account in another way',
    async () => {
      writeFileSync(
        join(folder, 'compose.override.yaml'),
        'services: { traccar: { environment: { USERS_BEFORE: "stranger@example.org:x" } } }\n',
      );
      const ran = await makeUp(folder);
      expect(ran.code).not.toBe(0);
      expect(ran.stdout + ran.stderr).toContain('somebody else has made the first account');
    },
    slow,
  );
});
