import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { loadCatalog, packageRoot } from '../../catalog/load.js';
import { run, type Ran } from '../run.js';
import { Deployment } from './deployment.js';
import { Load } from './load.js';

const slow = 300_000;
const port = 18080;
const nginx = loadCatalog().get('nginx')?.image;
const image = `${nginx?.name ?? ''}:${nginx?.tag ?? ''}`;
/** The Compose that is installed, and a newer one beside it: see install-compose.sh. */
const versions = ['its own place', '/opt/osgs-compose'].filter(
  (folder) => !folder.startsWith('/') || existsSync(folder),
);

interface Stack {
  /** Services beside `maps`: each is connected to nginx and the database. */
  more?: string[];
  /** Where networks have addresses of their own. */
  subnet?: string;
  /** How many containers `maps` has. */
  maps?: number;
}

/** A server that answers with its name, once it has found the database. */
const server = (name: string, more = ''): string => `
  ${name}:
    image: ${image}
    init: true
    command: [sh, -c, "getent hosts database && printf 'events {} http { server { listen 8080; location / { return 200 ${name}; } } }' >/tmp/c && exec nginx -c /tmp/c -g 'daemon off;'"]
    networks: [${name}_database, nginx_${name}]
    depends_on: { database: { condition: service_healthy }, job: { condition: service_completed_successfully } }
    healthcheck: { test: [CMD, curl, -fsS, http://127.0.0.1:8080/], interval: 1s }
    ${more}`;

/** A stack in which each two services that talk have a network of their own, as create-osgs emits it. */
function compose({ more = [], subnet = '10.213.0.0/28', maps = 1 }: Stack): string {
  const servers = ['maps', ...more];
  const networks = ['job_database', ...servers.flatMap((name) => [`${name}_database`, `nginx_${name}`])];
  return `name: osgs-live
services:
  nginx:
    image: ${image}
    init: true
    command: [nginx, -c, /etc/nginx/osgs/nginx.conf, -g, daemon off;]
    environment: { GREETING: "\${GREETING:-hello}" }
    ports: ["127.0.0.1:${port}:80"]
    volumes: ["./nginx:/etc/nginx/osgs:ro"]
    networks: [edge, ${servers.map((name) => `nginx_${name}`).join(', ')}]
    healthcheck: { test: [CMD, curl, -fsS, http://127.0.0.1/], interval: 1s }
  database:
    image: ${image}
    init: true
    command: [sleep, infinity]
    networks: [job_database, ${servers.map((name) => `${name}_database`).join(', ')}]
    healthcheck: { test: [CMD, "true"], interval: 1s }
  job:
    image: ${image}
    command: [sh, -c, getent hosts database]
    networks: [job_database]
    depends_on: { database: { condition: service_healthy } }
${servers.map((name) => server(name, name === 'maps' ? `deploy: { replicas: ${maps} }` : '')).join('')}

networks:
  edge: { ipam: { config: [{ subnet: ${subnet} }] } }
${networks.map((name) => `  ${name}: { internal: true }`).join('\n')}
`;
}

const location = (name: string): string =>
  `location /${name} { set $at ${name}:8080; proxy_pass http://$at; }\n`;
const front = (servers: string[]): string => `
pid /run/nginx.pid;
events {}
http {
    access_log off;
    keepalive_min_timeout 2s;
    resolver 127.0.0.11 valid=1s ipv6=off;
    server {
        listen 80;
        location / { return 200 front; }
        ${servers.map(location).join('')}
    }
}
`;

describe.each(versions)('make up, with the Compose in %s', (version) => {
  const deployment = new Deployment('live');
  const { folder } = deployment;
  const before = process.env['DOCKER_CONFIG'];

  const write = (stack: Stack): void => {
    writeFileSync(join(folder, 'compose.yaml'), compose(stack));
    writeFileSync(join(folder, 'nginx/nginx.conf'), front(['maps', ...(stack.more ?? [])]));
  };
  const up = (...services: string[]): Ran => deployment.run('sh', ['scripts/up.sh', ...services]);
  /** `up` that must succeed. */
  const start = (...services: string[]): void => {
    const ran = up(...services);
    if (ran.code !== 0) throw new Error(`up.sh: ${ran.stdout}${ran.stderr}`);
  };
  const ids = (...services: string[]): string[] =>
    deployment
      .docker('compose', 'ps', '-q', ...services)
      .split('\n')
      .sort();
  const networks = (): string[] =>
    deployment
      .docker(
        'network',
        'ls',
        '--format',
        '{{.Name}}',
        '--filter',
        'label=com.docker.compose.project=osgs-live',
      )
      .split('\n')
      .map((name) => name.replace('osgs-live_', ''))
      .sort();
  const jobStarted = (): string =>
    deployment.docker('inspect', '--format', '{{.State.StartedAt}}', 'osgs-live-job-1');
  const ask = (path: string): string =>
    run('curl', ['-s', '-w', ' %{http_code}', `http://127.0.0.1:${port}/${path}`]).stdout;

  beforeAll(() => {
    if (existsSync(version)) process.env['DOCKER_CONFIG'] = version;
    mkdirSync(join(folder, 'scripts'), { recursive: true });
    mkdirSync(join(folder, 'nginx'));
    for (const name of ['up.sh', 'networks.sh', 'reload.sh', 'env.sh', 'secrets.sh'])
      cpSync(join(packageRoot(), 'templates/scripts', name), join(folder, 'scripts', name));
    writeFileSync(join(folder, '.env'), '');
    write({});
    start();
  }, slow);
  afterEach(() => Load.stopAll());
  afterAll(() => {
    deployment.remove();
    if (before === undefined) delete process.env['DOCKER_CONFIG'];
    else process.env['DOCKER_CONFIG'] = before;
  }, slow);

  test(
    'adds a service and removes it again while nginx and the database keep running and no request fails',
    async () => {
      const running = ids('nginx', 'database', 'maps');
      const networksBefore = networks();
      const load = new Load({
        port,
        targets: [{ name: 'maps', url: 'http://gis.example.org/maps' }],
        visitors: 4,
        pause: 5,
        limit: 1e9,
        file: deployment.beside('load.json'),
      });
      const started = jobStarted();
      write({ more: ['notebook'] });
      start();
      expect(ids('nginx', 'database', 'maps')).toEqual(running);
      expect(ask('notebook')).toBe('notebook 200');
      expect(networks()).toEqual([...networksBefore, 'nginx_notebook', 'notebook_database'].sort());
      // Jobs run at each start.
      expect(jobStarted()).not.toBe(started);
      // The next start finds nothing to do, and neither does that of one service.
      const all = ids();
      start();
      start('notebook');
      expect(ids()).toEqual(all);

      write({});
      start();
      expect(ids()).toEqual(running);
      expect(networks()).toEqual(networksBefore);
      expect(ask('notebook')).toBe('front 200');
      await load.stop();
      expect(Object.keys(load.counts()['maps'] ?? {})).toEqual(['200']);
      expect(load.counts()['maps']?.['200']).toBeGreaterThan(1000);
    },
    slow,
  );

  test(
    'starts a service by its name, with what it needs, while nginx and the database keep running',
    () => {
      const running = ids('nginx', 'database', 'maps');
      write({ more: ['notebook', 'tiles'] });
      start('tiles');
      expect(ids('database', 'maps', 'nginx')).toEqual(running);
      expect(deployment.docker('compose', 'ps', '--services').split('\n')).not.toContain('notebook');
      start();
      expect(ids('database', 'maps', 'nginx')).toEqual(running);
      expect([ask('tiles'), ask('notebook')]).toEqual(['tiles 200', 'notebook 200']);
      write({});
      start();
    },
    slow,
  );

  test(
    'recreates a container of which more than the networks has changed, in the same start too',
    () => {
      const [database, maps, front] = [ids('database'), ids('maps'), ids('nginx')];
      writeFileSync(join(folder, '.env'), 'GREETING=hi\n');
      write({ more: ['notebook'] });
      start();
      expect([ids('database'), ids('maps')]).toEqual([database, maps]);
      expect(ids('nginx')).not.toEqual(front);
      expect(deployment.inside('nginx', ['printenv', 'GREETING']).stdout).toBe('hi\n');
      expect(ask('notebook')).toBe('notebook 200');
      // And one that was connected while it ran, later.
      const file = join(folder, 'compose.yaml');
      writeFileSync(file, readFileSync(file, 'utf8').replace('sleep, infinity', 'sleep, 86400s'));
      start();
      expect(ids('database')).not.toEqual(database);
      expect(ask('maps')).toBe('maps 200');
      write({});
      start();
    },
    slow,
  );

  test(
    'keeps all containers of a service that runs in several, and starts another one with the same networks',
    () => {
      write({ maps: 2 });
      start();
      const two = ids('maps');
      expect(two).toHaveLength(2);
      const file = join(folder, 'compose.yaml');
      write({ maps: 3, more: ['notebook'] });
      const alias = `maps_database, nginx_maps, maps_notebook`;
      writeFileSync(
        file,
        readFileSync(file, 'utf8').replace('[maps_database, nginx_maps]', `[${alias}]`) +
          '  maps_notebook: { internal: true }\n',
      );
      start();
      expect(ids('maps')).toEqual(expect.arrayContaining(two));
      expect(ids('maps')).toHaveLength(3);
      const attached = deployment.docker(
        ...[
          'inspect',
          '--format',
          '{{range $n, $_ := .NetworkSettings.Networks}}{{$n}} {{end}}',
          ...ids('maps'),
        ],
      );
      expect(new Set(attached.split('\n').map((line) => line.trim())).size).toBe(1);
      expect(attached).toContain('osgs-live_maps_notebook');
      write({});
      start();
      expect(ask('maps')).toBe('maps 200');
    },
    slow,
  );

  test(
    'recreates once what runs on networks that all share, and removes these networks',
    () => {
      deployment.remove();
      rmSync(join(folder, '.secrets'), { recursive: true });
      const flat = compose({}).replaceAll(/networks: \[[^\]]*\]/g, 'networks: [edge, web]');
      writeFileSync(
        join(folder, 'compose.yaml'),
        flat.replace('\n  edge:', '\n  web: { internal: true }\n  edge:'),
      );
      deployment.docker('compose', 'up', '-d');
      expect(networks()).toEqual(['edge', 'web']);
      write({});
      start();
      expect(ask('maps')).toBe('maps 200');
      expect(networks()).toEqual(['edge', 'job_database', 'maps_database', 'nginx_maps']);
      // From then on nothing is recreated.
      const running = ids();
      start();
      expect(ids()).toEqual(running);
    },
    slow,
  );

  test(
    'gives a network another address range when the configuration does, and says what to do where it is taken',
    () => {
      const database = ids('database');
      write({ subnet: '10.214.0.0/28' });
      start();
      expect(deployment.docker('network', 'inspect', 'osgs-live_edge')).toContain('10.214.0.0/28');
      expect(ids('database')).toEqual(database);
      expect(ask('maps')).toBe('maps 200');

      deployment.docker('network', 'create', '--subnet', '10.215.0.0/24', 'osgs-live-other');
      try {
        const file = join(folder, 'compose.yaml');
        const text = `${readFileSync(file, 'utf8')}  more: { ipam: { config: [{ subnet: 10.215.0.16/28 }] } }\n`;
        writeFileSync(file, text.replace('networks: [edge,', 'networks: [more, edge,'));
        const running = ids();
        const refused = up();
        expect(refused.code).toBe(1);
        expect(refused.stderr).toContain(
          'The network osgs-live_more needs the addresses 10.215.0.16/28. The network osgs-live-other has 10.215.0.0/24.',
        );
        expect(refused.stderr).toContain(
          'with the setting nginx.subnets in osgs.yaml, run create-osgs again',
        );
        expect(ids()).toEqual(running);
      } finally {
        deployment.docker('network', 'rm', 'osgs-live-other');
      }
      rmSync(join(folder, '.secrets'), { recursive: true });
      write({});
      start();
    },
    slow,
  );
});
