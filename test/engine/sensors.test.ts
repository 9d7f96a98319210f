import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createOsgs, emptyFolder, run, type Ran } from '../run.js';

const folder = join(emptyFolder(), 'sensors');
const slow = 600_000;
const here = (program: string, args: string[], input?: string): Ran =>
  run(program, args, { cwd: folder, timeout: slow, ...(input === undefined ? {} : { input }) });
const inside = (service: string, ...command: string[]): Ran =>
  here('docker', ['compose', 'exec', '-T', service, ...command]);

function secret(variable: string): string {
  return new RegExp(`^${variable}=(.*)$`, 'm').exec(readFileSync(join(folder, '.env'), 'utf8'))?.[1] ?? '';
}

/** curl to nginx on this host; gives the status and the body. */
function ask(path: string, ...more: string[]): { status: string; body: string } {
  const ran = here('curl', [
    '-s',
    '--max-time',
    '5',
    '-w',
    '\n%{http_code}',
    '--connect-to',
    '::127.0.0.1:8088',
    ...more,
    `http://iot.example.org:8088${path}`,
  ]);
  const at = ran.stdout.lastIndexOf('\n');
  return { status: ran.stdout.slice(at + 1), body: ran.stdout.slice(0, at) };
}

const upgrade = [
  '--http1.1',
  '-H',
  'Connection: Upgrade',
  '-H',
  'Upgrade: websocket',
  '-H',
  'Sec-WebSocket-Version: 13',
  '-H',
  'Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==',
];

describe('brokers, flows and uploads on a real engine', () => {
  beforeAll(() => {
    const made = createOsgs([
      folder,
      '--yes',
      '--services=mosquitto,node-red,valkey,sftp',
      '--domain=iot.example.org',
      '--tls=off',
      '--expose=sftp=127.0.0.1:2222',
      '--set=nginx.http_port=8088',
      `--set=sftp.uid=${process.getuid?.() || 1000}`,
    ]);
    expect(made).toMatchObject({ code: 0 });
    expect(
      run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, '..', 'key')]),
    ).toMatchObject({ code: 0 });
    const keys = join(folder, 'services/sftp/authorized_keys');
    writeFileSync(keys, readFileSync(keys, 'utf8') + readFileSync(join(folder, '..', 'key.pub'), 'utf8'));
    const up = here('make', ['up']);
    expect({ ...up, stdout: up.stdout.slice(-2000), stderr: up.stderr.slice(-3000) }).toMatchObject({
      code: 0,
    });
  }, slow);

  afterAll(() => {
    here('docker', ['compose', 'down', '-v', '--remove-orphans']);
  }, slow);

  test(
    'make check finds every address as it must be',
    () => {
      const checked = here('make', ['-s', 'check']);
      expect(checked.stdout).toContain('all checks passed');
    },
    slow,
  );

  test(
    'Mosquitto hands on what comes with a password, and refuses what comes without or with another',
    () => {
      const nobody = (...more: string[]): Ran =>
        inside(
          'mosquitto',
          'env',
          'XDG_CONFIG_HOME=/nonexistent',
          'mosquitto_pub',
          '-h',
          'mosquitto',
          '-t',
          'a/b',
          '-m',
          'x',
          ...more,
        );
      expect(nobody().code).not.toBe(0);
      expect(nobody('-u', 'admin', '-P', 'wrong').code).not.toBe(0);
      expect(nobody('-u', 'admin', '-P', secret('MOSQUITTO_PASSWORD')).code).toBe(0);
      expect(nobody('-u', 'node-red', '-P', secret('NODE_RED_MQTT_PASSWORD')).code).toBe(0);

      expect(
        inside('mosquitto', 'mosquitto_pub', '-h', '127.0.0.1', '-t', 'well/1', '-m', '7.5', '-r').code,
      ).toBe(0);
      expect(here('docker', ['compose', 'restart', 'mosquitto']).code).toBe(0);
      expect(here('sh', ['scripts/wait.sh']).code).toBe(0);
      expect(
        inside('mosquitto', 'mosquitto_sub', '-h', '127.0.0.1', '-t', 'well/#', '-C', '1', '-W', '10').stdout,
      ).toBe('7.5\n');
    },
    slow,
  );

  test(
    "a device's user reaches its own topics and no others, until it is taken away",
    () => {
      const made = here('make', ['-s', 'mqtt-user', 'name=buoy']);
      const [, password = ''] = /password (\w+)/.exec(made.stdout) ?? [];
      expect(password).toHaveLength(24);
      const publish = (topic: string): Ran =>
        inside(
          'mosquitto',
          'env',
          'XDG_CONFIG_HOME=/nonexistent',
          'mosquitto_pub',
          '-h',
          '127.0.0.1',
          '-u',
          'buoy',
          '-P',
          password,
          '-t',
          topic,
          '-m',
          'here',
          '-r',
          '-q',
          '1',
        );
      expect(publish('devices/buoy/state').code).toBe(0);
      publish('devices/other/state');
      const seen = inside(
        'mosquitto',
        'mosquitto_sub',
        '-h',
        '127.0.0.1',
        '-t',
        'devices/#',
        '-v',
        '-W',
        '3',
      ).stdout;
      expect(seen).toBe('devices/buoy/state here\n');
      expect(here('make', ['-s', 'mqtt-user-remove', 'name=buoy']).code).toBe(0);
      expect(publish('devices/buoy/state').code).not.toBe(0);
    },
    slow,
  );

  test('MQTT goes over a websocket through nginx', () => {
    expect(ask('/mqtt/', ...upgrade, '-H', 'Sec-WebSocket-Protocol: mqtt').status).toBe('101');
  });

  test('Node-RED lets nobody in without its password, and its editor listens over a websocket', () => {
    expect(ask('/node-red/').body).toContain('Node-RED');
    expect(ask('/node-red/flows').status).toBe('401');
    const login = (password: string): { status: string; body: string } =>
      ask(
        '/node-red/auth/token',
        '-d',
        `client_id=node-red-admin&grant_type=password&scope=*&username=admin&password=${password}`,
      );
    expect(login('wrong').status).toBe('403');
    const { access_token: token } = JSON.parse(login(secret('NODE_RED_ADMIN_PASSWORD')).body) as {
      access_token: string;
    };
    expect(ask('/node-red/flows', '-H', `Authorization: Bearer ${token}`).status).toBe('200');
    expect(ask('/node-red/comms', ...upgrade).status).toBe('101');
    expect(ask('/flow-pages/').status).toBe('401');
  });

  test(
    'a flow of Node-RED answers behind the password of protected pages, and reaches the broker',
    () => {
      const { access_token: token } = JSON.parse(
        ask(
          '/node-red/auth/token',
          '-d',
          `client_id=node-red-admin&grant_type=password&scope=*&username=admin&password=${secret('NODE_RED_ADMIN_PASSWORD')}`,
        ).body,
      ) as { access_token: string };
      const flows = [
        { id: 'tab', type: 'tab', label: 'probe' },
        {
          id: 'broker',
          type: 'mqtt-broker',
          broker: '${MQTT_HOST}',
          port: '${MQTT_PORT}',
          clientid: '',
          credentials: { user: '${MQTT_USER}', password: '${MQTT_PASSWORD}' },
        },
        { id: 'in', type: 'http in', z: 'tab', url: '/say', method: 'get', wires: [['topic']] },
        {
          id: 'topic',
          type: 'change',
          z: 'tab',
          rules: [{ t: 'set', p: 'payload', pt: 'msg', to: 'said', tot: 'str' }],
          wires: [['out', 'reply']],
        },
        {
          id: 'out',
          type: 'mqtt out',
          z: 'tab',
          topic: 'flow/said',
          retain: 'true',
          broker: 'broker',
          wires: [],
        },
        { id: 'reply', type: 'http response', z: 'tab', wires: [] },
      ];
      const deployed = ask(
        '/node-red/flows',
        '-H',
        `Authorization: Bearer ${token}`,
        '-H',
        'Content-Type: application/json',
        '--data-binary',
        JSON.stringify(flows),
      );
      expect(deployed.status).toBe('204');
      expect(ask('/flow-pages/say').status).toBe('401');
      // The flow's connection to the broker takes a moment, and what comes before it is lost.
      let heard = '';
      for (let tries = 0; heard === '' && tries < 15; tries += 1) {
        const said = ask('/flow-pages/say', '-u', `gis:${secret('NGINX_BASIC_PASSWORD')}`);
        expect(said).toEqual({ status: '200', body: 'said' });
        heard = inside(
          'mosquitto',
          'mosquitto_sub',
          '-h',
          '127.0.0.1',
          '-t',
          'flow/said',
          '-C',
          '1',
          '-W',
          '1',
        ).stdout;
      }
      expect(heard).toBe('said\n');
    },
    slow,
  );

  test(
    'Valkey answers with its password and not without',
    () => {
      const without = inside('valkey', 'env', '-u', 'REDISCLI_AUTH', 'valkey-cli', '-h', '127.0.0.1', 'ping');
      expect(without.stdout + without.stderr).toContain('NOAUTH');
      expect(inside('valkey', 'valkey-cli', '-h', '127.0.0.1', 'set', 'k', 'v').stdout).toContain('OK');
      expect(here('docker', ['compose', 'restart', 'valkey']).code).toBe(0);
      expect(here('sh', ['scripts/wait.sh']).code).toBe(0);
      expect(inside('valkey', 'valkey-cli', '-h', '127.0.0.1', 'get', 'k').stdout).toBe('v\n');
    },
    slow,
  );

  test(
    'SFTP takes an upload with a key, and gives neither a shell nor entry with a password',
    () => {
      const options = [
        '-o',
        'StrictHostKeyChecking=no',
        '-o',
        'UserKnownHostsFile=/dev/null',
        '-o',
        'BatchMode=yes',
        '-i',
        join(folder, '..', 'key'),
        '-P',
        '2222',
      ];
      writeFileSync(join(folder, '..', 'roads.txt'), 'roads');
      const put = here(
        'sftp',
        ['-b', '-', ...options, 'gis@127.0.0.1'],
        `put ${join(folder, '..', 'roads.txt')} uploads/roads.txt\nls uploads\n`,
      );
      expect(put).toMatchObject({ code: 0 });
      expect(inside('sftp', 'cat', '/home/gis/uploads/roads.txt').stdout).toBe('roads');
      const shell = [...options.slice(0, -2), '-p', '2222', 'gis@127.0.0.1', 'cat /etc/passwd'];
      expect(here('ssh', shell).stdout).not.toContain('root:');
      const methods = here('ssh', [
        '-o',
        'PreferredAuthentications=none',
        '-o',
        'StrictHostKeyChecking=no',
        '-o',
        'UserKnownHostsFile=/dev/null',
        '-p',
        '2222',
        'gis@127.0.0.1',
      ]);
      expect(methods.stderr).toContain('(publickey)');
    },
    slow,
  );
});
