import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createOsgs, run, type Ran } from '../run.js';
import { Deployment } from './deployment.js';

const deployment = new Deployment('sensors');
const { folder } = deployment;
const slow = 600_000;
const here = deployment.run.bind(deployment);
const inside = (service: string, ...command: string[]): Ran => deployment.inside(service, command);
const secret = deployment.secret.bind(deployment);

/** A message from somebody whose name and password are given, and not from the admin whom the container knows. */
function publish(topic: string, message: string, ...more: string[]): Ran {
  const program = ['env', 'XDG_CONFIG_HOME=/nonexistent', 'mosquitto_pub', '-h', 'mosquitto'];
  return inside('mosquitto', ...program, '-t', topic, '-m', message, ...more);
}

/** What the admin hears within some seconds. */
function hear(topic: string, seconds: number, ...more: string[]): string {
  const program = ['mosquitto_sub', '-h', '127.0.0.1', '-t', topic, '-W', String(seconds)];
  return inside('mosquitto', ...program, ...more).stdout;
}

function restart(service: string): void {
  expect(here('docker', ['compose', 'restart', service]).code).toBe(0);
  expect(here('sh', ['scripts/wait.sh']).code).toBe(0);
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

/** Node-RED's answer to a login; its body holds the token. */
function login(password: string): { status: string; body: string } {
  const form = 'client_id=node-red-admin&grant_type=password&scope=*&username=admin&password=';
  return ask('/node-red/auth/token', '-d', form + password);
}

function token(): string {
  const { body } = login(secret('NODE_RED_ADMIN_PASSWORD'));
  return (JSON.parse(body) as { access_token: string }).access_token;
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
      run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', deployment.beside('key')]),
    ).toMatchObject({ code: 0 });
    const keys = join(folder, 'services/sftp/authorized_keys');
    writeFileSync(keys, readFileSync(keys, 'utf8') + readFileSync(deployment.beside('key.pub'), 'utf8'));
    deployment.must('up');
  }, slow);

  afterAll(() => {
    deployment.remove();
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
      const somebody = (...more: string[]): Ran => publish('a/b', 'x', ...more);
      expect(somebody().code).not.toBe(0);
      expect(somebody('-u', 'admin', '-P', 'wrong').code).not.toBe(0);
      expect(somebody('-u', 'admin', '-P', secret('MOSQUITTO_PASSWORD')).code).toBe(0);
      expect(somebody('-u', 'node-red', '-P', secret('NODE_RED_MQTT_PASSWORD')).code).toBe(0);

      expect(
        inside('mosquitto', 'mosquitto_pub', '-h', '127.0.0.1', '-t', 'well/1', '-m', '7.5', '-r').code,
      ).toBe(0);
      restart('mosquitto');
      expect(hear('well/#', 10, '-C', '1')).toBe('7.5\n');
    },
    slow,
  );

  test(
    "a device's user reaches its own topics and no others, until it is taken away",
    () => {
      const made = here('make', ['-s', 'mqtt-user', 'name=buoy']);
      const [, password = ''] = /password (\w+)/.exec(made.stdout) ?? [];
      expect(password).toHaveLength(24);
      const send = (topic: string): Ran =>
        publish(topic, 'here', '-u', 'buoy', '-P', password, '-r', '-q', '1');
      expect(send('devices/buoy/state').code).toBe(0);
      send('devices/other/state');
      expect(hear('devices/#', 3, '-v')).toBe('devices/buoy/state here\n');
      expect(here('make', ['-s', 'mqtt-user-remove', 'name=buoy']).code).toBe(0);
      expect(send('devices/buoy/state').code).not.toBe(0);
    },
    slow,
  );

  test('MQTT goes over a websocket through nginx', () => {
    expect(ask('/mqtt/', ...upgrade, '-H', 'Sec-WebSocket-Protocol: mqtt').status).toBe('101');
  });

  test('Node-RED lets nobody in without its password, and its editor listens over a websocket', () => {
    expect(ask('/node-red/').body).toContain('Node-RED');
    expect(ask('/node-red/flows').status).toBe('401');
    expect(login('wrong').status).toBe('403');
    expect(ask('/node-red/flows', '-H', `Authorization: Bearer ${token()}`).status).toBe('200');
    expect(ask('/node-red/comms', ...upgrade).status).toBe('101');
    expect(ask('/flow-pages/').status).toBe('401');
  });

  test(
    'a flow of Node-RED answers behind the password of protected pages, and reaches the broker',
    () => {
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
        `Authorization: Bearer ${token()}`,
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
        heard = hear('flow/said', 1, '-C', '1');
      }
      expect(heard).toBe('said\n');
    },
    slow,
  );

  test(
    'Valkey answers with its password and not without',
    () => {
      const without = inside('valkey', 'valkey-cli', '-h', '127.0.0.1', 'ping');
      expect(without.stdout + without.stderr).toContain('NOAUTH');
      expect(deployment.make('valkey-cli', 'c=set k v').stdout).toContain('OK');
      restart('valkey');
      expect(deployment.make('valkey-cli', 'c=get k').stdout).toBe('v\n');
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
        deployment.beside('key'),
        '-P',
        '2222',
      ];
      writeFileSync(deployment.beside('roads.txt'), 'roads');
      const put = here(
        'sftp',
        ['-b', '-', ...options, 'gis@127.0.0.1'],
        `put ${deployment.beside('roads.txt')} uploads/roads.txt\nls uploads\n`,
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
