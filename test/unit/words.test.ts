import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { loadCatalog, loadNotOffered, packageRoot } from '../../catalog/load.js';
import { catalogPage } from '../../catalog/page.js';
import type { Catalog, CatalogService, Route, Service } from '../../catalog/service.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import type { Answers } from '../../generators/stack/answers.js';
import { completeEnv } from '../../generators/stack/env.js';
import type { Rendered } from '../../generators/stack/render.js';
import type { Stack } from '../../generators/stack/stack.js';
import { emptyFolder, run } from '../run.js';
import { choosable, compatible, domainsFor, madeUpHead, makeStack } from '../stacks.js';

const real = loadCatalog();
const templates = loadTemplates(real);

/** A made-up service, to try one word of the catalogue at a time. */
function made(id: string, more: Partial<CatalogService> = {}): CatalogService {
  return {
    ...(parse(madeUpHead(id, 'api', 'Made up.')) as Service),
    title: id.toUpperCase(),
    image: { name: `example/${id}`, tag: '1.0', evidence: 'none' },
    memory: 10,
    compose: {
      services: { [id]: { deploy: { resources: { limits: { memory: '20M' } } } } },
    },
    stateless: 'Made up.',
    file: `${id}.yaml`,
    templates: '',
    ...more,
  };
}

const route = (more: Partial<Route> = {}): Route => ({
  upstream: 'one:80',
  path: '/one/',
  prefix: 'keep',
  own: 'root',
  access: 'public',
  ...more,
});

function catalogOf(...services: CatalogService[]): Catalog {
  const nginx = real.get('nginx');
  const all = new Map([...(nginx ? [nginx] : []), ...services].map((service) => [service.id, service]));
  return Object.assign(all, { presets: new Map() });
}

function decide(
  catalog: Catalog,
  more: Partial<Answers> = {},
): { stack: Stack; rendered: Rendered; file: (path: string) => string } {
  const services = [...catalog.keys()].filter((id) => id !== 'nginx');
  const answers: Answers = {
    name: 'words',
    services,
    domains: [{ host: 'a.example' }],
    tls: 'off',
    expose: {},
    settings: {},
    ...more,
  };
  const { stack, rendered } = makeStack(answers, catalog, templates);
  return { stack, rendered, file: (path) => rendered.files.get(path)?.content ?? '' };
}

describe('who may enter', () => {
  test('a protected route is asked for with a password by nginx, whose own secret it is', () => {
    const { file, rendered } = decide(catalogOf(made('one', { routes: [route({ access: 'protected' })] })));
    expect(file('nginx/routes/one.conf')).toContain('include snippets/gate.conf;');
    expect(file('nginx/snippets/gate.conf')).toContain('auth_basic_user_file');
    expect(file('compose.yaml')).toContain(
      'NGINX_BASIC_PASSWORD:\n    file: ./.secrets/NGINX_BASIC_PASSWORD',
    );
    expect(completeEnv(undefined, rendered.env)).toMatch(/^NGINX_BASIC_PASSWORD=\w{32}$/m);
  });

  test('nothing is asked and no password made where no route is protected', () => {
    const { file, rendered, stack } = decide(catalogOf(made('one', { routes: [route()] })));
    expect(stack.gate).toBeUndefined();
    expect([...rendered.files.keys()].filter((path) => /gate|basic|identity/.test(path))).toEqual([]);
    expect(file('compose.yaml')).not.toContain('BASIC');
  });

  test.each([
    ['public', 'protected', 'public'],
    ['protected', 'public', 'protected'],
    // A login of the service's own stays: nginx has nothing to open there.
    ['public', 'login', 'login'],
    ['protected', 'login', 'protected'],
  ] as const)('the owner says %s where the catalogue says %s: %s', (owner, catalogue, result) => {
    const { stack } = decide(catalogOf(made('one', { routes: [route({ access: catalogue })] })), {
      settings: { one: { access: owner } },
    });
    expect(stack.sites[0]?.routes[0]?.access).toBe(result);
  });

  test('a service with a gate takes the place of the password on every domain with a protected route', () => {
    const gate = made('door', {
      gate: {
        upstream: 'door:4180',
        path: '/door/',
        verify: '/door/auth',
        sign_in: '/door/start',
        come_back: 'X-Back',
        identity: { 'Remote-User': 'x_user' },
      },
    });
    const { file, stack } = decide(
      catalogOf(made('one', { routes: [route({ access: 'protected' })] }), gate),
      {
        domains: [{ host: 'a.example' }, { host: 'b.example', owner: 'one' }],
      },
    );
    expect(stack.gate).toMatchObject({ id: 'door' });
    expect(file('nginx/sites/b.example.conf')).toContain('location /door/ {');
    expect(file('nginx/sites/a.example.conf')).not.toContain('door');
    expect(file('nginx/snippets/gate.conf')).toContain('auth_request /.osgs/verify;');
    expect(file('compose.yaml')).not.toContain('BASIC_');
  });

  test('two services with a gate are refused, and so is an access of another word', () => {
    const gate = { upstream: 'x:1', path: '/x/', verify: '/x', sign_in: '/x', come_back: 'X-Back' };
    expect(() => decide(catalogOf(made('a', { gate }), made('b', { gate })))).toThrow(
      "'a' and 'b' both decide",
    );
    expect(() =>
      decide(catalogOf(made('one', { routes: [route()] })), { settings: { one: { access: 'private' } } }),
    ).toThrow("'one.access' must be one of public, protected");
  });
});

describe('conditions', () => {
  const seen = (condition: object, others: string[], settings: Answers['settings'] = {}): boolean =>
    decide(
      catalogOf(
        made('one', {
          settings: [{ name: 'mode', type: 'choice', choices: ['a', 'b'], default: 'a', help: 'A mode.' }],
          wiring: [{ ...condition, compose: { services: { one: { environment: { SEEN: 'yes' } } } } }],
        }),
        ...others.map((id) => made(id)),
      ),
      { settings },
    )
      .file('compose.yaml')
      .includes('SEEN');

  test('a list asks for all of its services, and without for none', () => {
    expect(seen({ with: ['two', 'three'] }, ['two'])).toBe(false);
    expect(seen({ with: ['two', 'three'] }, ['two', 'three'])).toBe(true);
    expect(seen({ without: ['two', 'three'] }, ['three'])).toBe(false);
    expect(seen({ without: 'two' }, ['three'])).toBe(true);
  });

  test('a setting may be asked for its value', () => {
    expect(seen({ setting: 'mode=b' }, [])).toBe(false);
    expect(seen({ setting: 'mode=b' }, [], { one: { mode: 'b' } })).toBe(true);
  });
});

describe('another packaging', () => {
  // What the loader makes of `flavour` and `flavours`.
  const choice = {
    name: 'flavour',
    type: 'choice' as const,
    choices: ['own', 'other'],
    default: 'own',
    help: 'The packaging.',
  };
  const service = made('one', {
    routes: [route()],
    flavour: 'own',
    settings: [choice],
    flavours: [
      {
        id: 'other',
        title: 'Other',
        summary: 'Another one.',
        image: { name: 'other/one', tag: '2.0', evidence: 'none' },
        compose: {
          services: {
            one: {
              command: ['other'],
              deploy: { resources: { limits: { memory: '20M' } } },
            },
          },
        },
      },
    ],
  });

  test('changes the image and the contract, and leaves the rest as it was', () => {
    const { file, stack } = decide(catalogOf(service), { settings: { one: { flavour: 'other' } } });
    expect(file('compose.yaml')).toContain('image: other/one:2.0');
    expect(file('compose.yaml')).toContain('- other');
    expect(stack.services.find(({ id }) => id === 'one')).toMatchObject({ title: 'ONE' });
    expect(file('nginx/routes/one.conf')).toContain('location /one/ {');
  });

  test('that does not exist is refused', () => {
    expect(() => decide(catalogOf(service), { settings: { one: { flavour: 'third' } } })).toThrow(
      'must be one of own, other',
    );
  });
});

test('every mail address of a service has a domain with a dot, where the host name has none too: programs refuse others', () => {
  const services = compatible(choosable(real), real);
  const domains = [{ host: 'localhost' }, ...domainsFor(services, real).slice(1)];
  const { rendered } = makeStack(
    { name: 'mail', services, domains, tls: 'self-signed', expose: {}, settings: { diun: { mail: true } } },
    real,
    templates,
  );
  const addresses = [...rendered.files]
    .filter(([path]) => path === 'compose.yaml' || /^services\/.*\.(xml|json)$/.test(path))
    .flatMap(
      ([, { content }]) => content.match(/(?<![\w.:/@-])[a-z-]+@[a-z0-9][a-z0-9.-]*(?![\w.:/@-])/g) ?? [],
    );
  expect(addresses.length).toBeGreaterThan(3);
  expect(addresses.filter((address) => !address.split('@')[1]?.includes('.'))).toEqual([]);
});

test('a FastCGI route hands parameters over and takes the identity of a client away', () => {
  const { file } = decide(catalogOf(made('one', { routes: [route({ protocol: 'fastcgi' })] })));
  expect(file('nginx/routes/one.conf')).toContain('fastcgi_pass osgs_one_80;');
  expect(file('nginx/snippets/fastcgi.conf')).toContain('fastcgi_param HTTP_REMOTE_USER "";');
  // Whatever is taken away from HTTP is taken away here.
  const cleared = [...file('nginx/snippets/proxy.conf').matchAll(/^proxy_set_header (\S+) "";$/gm)];
  expect(cleared.length).toBeGreaterThan(20);
  for (const [, name = ''] of cleared)
    expect(file('nginx/snippets/fastcgi.conf')).toContain(
      `fastcgi_param HTTP_${name.toUpperCase().replaceAll('-', '_')} "";`,
    );
});

test('a secret of 64 hexadecimal digits is one by the generator and by make env', () => {
  const { rendered } = decide(
    catalogOf(
      made('one', {
        settings: [
          { name: 'key', type: 'secret', format: 'hex64', help: 'A key.' },
          { name: 'password', type: 'secret', help: 'A password.' },
        ],
      }),
    ),
  );
  const form = /^ONE_KEY=[0-9a-f]{64}$[^]*^ONE_PASSWORD=[A-Za-z0-9]{32}$/m;
  expect(completeEnv(undefined, rendered.env)).toMatch(form);
  const folder = emptyFolder();
  cpSync(join(packageRoot(), 'templates/scripts'), join(folder, 'scripts'), { recursive: true });
  writeFileSync(join(folder, '.env.example'), rendered.files.get('.env.example')?.content ?? '');
  expect(run('sh', ['scripts/env.sh'], { cwd: folder })).toMatchObject({ code: 0 });
  expect(readFileSync(join(folder, '.env'), 'utf8')).toMatch(form);
});

test('a task with a condition is in the Makefile only where it holds, and without any task there is no file of tasks', () => {
  const tasks = [{ name: 'ask-two', help: 'ask two', run: ['@true'], when: { with: 'two' } }];
  const both = decide(catalogOf(made('one', { tasks }), made('two')), { services: ['one', 'two'] });
  expect(both.file('make/one.mk')).toContain('ask-two: ## ask two');
  const alone = decide(catalogOf(made('one', { tasks }), made('two')), { services: ['one'] });
  expect([...alone.rendered.files.keys()]).not.toContain('make/one.mk');
});

test('make up does not wait for what takes hours at its first start, and says so', () => {
  const one = made('one', { slow_start: { one: 'imports a region' } });
  const folder = emptyFolder();
  const script = decide(catalogOf(one, made('two'))).file('scripts/wait.sh');
  mkdirSync(join(folder, 'scripts'));
  writeFileSync(join(folder, 'scripts/wait.sh'), script);
  mkdirSync(join(folder, 'bin'));
  const states = (one: string, two: string): NodeJS.ProcessEnv => {
    const docker = `case "$*" in *"ps -aq") echo one two ;; *one) echo "one ${one}" ;; *two) echo "two ${two}" ;; *logs*) ;; esac`;
    writeFileSync(join(folder, 'bin/docker'), `#!/bin/sh\n${docker}\n`, { mode: 0o755 });
    return { ...process.env, WAIT_SECONDS: '0', PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}` };
  };
  const wait = (env: NodeJS.ProcessEnv) => run('sh', ['scripts/wait.sh'], { cwd: folder, env });
  const [healthy, starting] = ['running 0 healthy unless-stopped', 'running 0 starting unless-stopped'];
  const going = wait(states(starting, healthy));
  expect(going.code).toBe(0);
  expect(going.stdout).toContain('not waiting for one, which imports a region: make one-logs');
  expect(wait(states(healthy, healthy)).stdout).toBe('all services are healthy\n');
  expect(wait(states(healthy, starting)).code).toBe(1);
  expect(wait(states('running 0 unhealthy unless-stopped', healthy)).code).toBe(1);
});

test('a limit of a route holds beside that of the whole server', () => {
  const limited = made('one', { routes: [route({ limit: { per_second: 5, burst: 20 } })] });
  const { file } = decide(catalogOf(limited));
  expect(file('nginx/nginx.conf')).toContain(
    'limit_req_zone $binary_remote_addr zone=osgs_one:5m rate=5r/s;',
  );
  expect(file('nginx/routes/one.conf')).toMatch(
    /limit_req zone=osgs_requests burst=5000 nodelay;\n +limit_req zone=osgs_one burst=20 nodelay;/,
  );
});

test('scripts/env.sh draws again when what it drew lacks a digit, a small or a capital letter', () => {
  const folder = emptyFolder();
  cpSync(join(packageRoot(), 'templates/scripts'), join(folder, 'scripts'), { recursive: true });
  writeFileSync(join(folder, '.env.example'), 'PASSWORD=\n');
  mkdirSync(join(folder, 'bin'));
  // In place of cut: each call prints the next of these, all of 32 characters.
  const drawn = ['a', 'A', '1', 'aA', 'a1', 'A1', 'aA1'].map((kinds) => kinds.repeat(32).slice(0, 32));
  writeFileSync(join(folder, 'drawn'), `${drawn.join('\n')}\n`);
  writeFileSync(join(folder, 'bin/cut'), '#!/bin/sh\ncat >/dev/null\nsed -n 1p drawn\nsed -i 1d drawn\n', {
    mode: 0o755,
  });
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}` };
  expect(run('sh', ['scripts/env.sh'], { cwd: folder, env })).toMatchObject({ code: 0 });
  expect(readFileSync(join(folder, '.env'), 'utf8')).toBe(`PASSWORD=${drawn.at(-1)}\n`);
});

describe('presets', () => {
  const presets = [...real.presets.values()];
  test('there are presets, and each ends in a stack whose README says how to go on', () => {
    expect(presets.length).toBeGreaterThan(0);
    for (const preset of presets) {
      const { file, stack } = decide(real, {
        preset: preset.id,
        services: preset.services,
        settings: preset.settings ?? {},
        domains: domainsFor(preset.services, real),
      });
      expect(stack.added.map(({ service }) => service.id)).toEqual([]);
      expect(file('README.md')).toContain(`## ${preset.title}\n`);
    }
  });

  test('one that does not exist is answered with the names of those that do', () => {
    expect(() => decide(real, { preset: 'nothing', services: ['hugo'] })).toThrow(
      "there is no preset 'nothing'",
    );
  });
});

describe("the catalogue's page", () => {
  test('is current: npm run catalog writes it', () => {
    const page = readFileSync(join(packageRoot(), 'catalog/README.md'), 'utf8');
    expect(page).toBe(catalogPage(real, loadNotOffered()));
  });

  test('every service of the catalogue has its own packaging among its flavours, and other ones beside it', () => {
    for (const { id, flavour, flavours = [] } of real.values()) {
      if (flavours.length === 0) continue;
      const names = [flavour, ...flavours.map((other) => other.id)];
      expect({ id, names: new Set(names).size }).toEqual({ id, names: names.length });
    }
  });
});

describe('what a service keeps', () => {
  const container = (more: object): object => ({
    deploy: { resources: { limits: { memory: '20M' } } },
    ...more,
  });
  const server = made('base', {
    compose: {
      services: {
        base: container({ volumes: ['base:/data'] }) as Record<string, unknown>,
      },
      volumes: { base: null },
    },
    state: [{ server: 'base', user: 'admin', volume: 'base' }],
    known_as: ['cellar'],
  });
  const client = made('one', {
    needs: ['base'],
    connects: { one: ['base'] },
    compose: {
      services: {
        one: container({ volumes: ['one:/data', 'cache:/cache'] }),
        'one-reader': container({ volumes: ['one:/data:ro'] }),
        'one-job': container({ restart: 'no', volumes: ['one:/data'] }),
      } as Record<string, Record<string, unknown>>,
      volumes: { one: null, cache: null },
    },
    state: [
      { database: 'one' },
      { volume: 'one', stop: true, note: 'letters' },
      { volume: 'cache', skip: 'It fills again.' },
      { volume: 'elsewhere' },
      { folder: 'services/one/data' },
    ],
  });
  delete server.stateless;
  delete client.stateless;
  const { file } = decide(catalogOf(server, client));

  test('is a line of the plan each, with who writes it and who asks it; jobs and readers are nothing to stop', () => {
    expect(
      file('scripts/state.txt')
        .split('\n')
        .filter((line) => !line.startsWith('#')),
    ).toEqual([
      'stack words',
      'tools nginx',
      'server base base admin one',
      'skip base base',
      'name base cellar',
      'database one one base one,one-reader',
      'volume one one stop one',
      'skip one cache',
      // The volume that this stack does not have is no line.
      'folder one services/one/data',
      '',
    ]);
  });

  test('is in the runbook, with what is left out and why', () => {
    const readme = file('README.md');
    expect(readme).toContain('| ONE | volume `one`: letters | archive, while `one` is stopped |');
    expect(readme).toContain(
      '| BASE | all databases and roles | pg_dump of each, pg_dumpall for the roles |',
    );
    expect(readme).toContain('- ONE, volume `cache`: It fills again.');
    expect(readme).toContain('docker volume rm words_base');
  });

  test('a volume that the state does not name is refused by the loader', () => {
    const folder = emptyFolder();
    const text = `${madeUpHead('one', 'api', 'Made up.')}image: { name: example/one, tag: '1', evidence: none }
memory: 10
compose:
  services: { one: { volumes: ["a:/a", "b:/b"] } }
  volumes: { a: null, b: null }
state: [{ volume: a }]
`;
    writeFileSync(join(folder, 'one.yaml'), text);
    expect(() => loadCatalog([folder])).toThrow("no entry says how the volume 'b' is backed up");
    writeFileSync(
      join(folder, 'one.yaml'),
      text.replace('state: [', 'state: [{ volume: b, skip: Empty. }, '),
    );
    expect(loadCatalog([folder]).get('one')?.state).toHaveLength(2);
    for (const wrong of [
      '{ volume: a, database: b }',
      '{ server: a }',
      '{ folder: /etc }',
      '{ skip: Why. }',
    ]) {
      writeFileSync(join(folder, 'one.yaml'), text.replace('{ volume: a }', wrong));
      expect(() => loadCatalog([folder])).toThrow();
    }
  });

  test('data is declared by the service whose folder it is, and says why it is data', () => {
    const folder = emptyFolder();
    const text = `${madeUpHead('one', 'api', 'Made up.')}image: { name: example/one, tag: '1', evidence: none }
memory: 10
compose: { services: { one: {} } }
stateless: Nothing.
data: [{ folder: services/one/data, why: rows of numbers }]
`;
    const load = (data: string): unknown => {
      writeFileSync(
        join(folder, 'one.yaml'),
        text.replace('{ folder: services/one/data, why: rows of numbers }', data),
      );
      return loadCatalog([folder]).get('one')?.data;
    };
    expect(load('{ folder: services/one/data, why: rows of numbers }')).toHaveLength(1);
    expect(() => load('{ folder: services/other/data, why: rows of numbers }')).toThrow(
      "the folder 'services/other/data' is not one of this service",
    );
    for (const wrong of [
      '{ folder: services/one, why: rows of numbers }',
      '{ folder: scripts, why: rows of numbers }',
      '{ folder: services/one/../x, why: rows of numbers }',
      '{ folder: services/one/data }',
      '{ folder: services/one/data, volume: one, why: rows of numbers }',
    ])
      expect(() => load(wrong)).toThrow();
  });

  test.each(['self-signed', 'letsencrypt'] as const)(
    'every volume and database of the catalogue has its line: %s',
    (tls) => {
      const services = compatible(choosable(real), real);
      const { stack, rendered } = makeStack(
        {
          name: 'all',
          services,
          domains: domainsFor(services, real),
          tls,
          email: 'gis@example.org',
          expose: {},
          settings: {},
        },
        real,
        templates,
      );
      const plan = (rendered.files.get('scripts/state.txt')?.content ?? '')
        .split('\n')
        .map((line) => line.split(' '));
      const named = plan.filter(([kind]) => kind === 'volume' || kind === 'skip').map((line) => line[2]);
      expect(named.sort()).toEqual(rendered.compose.volumes);
      expect(plan).toContainEqual(['tools', 'nginx']);
      const databases = stack.services.flatMap(({ state = [] }) =>
        state.flatMap(({ database }) => database ?? []),
      );
      expect(databases.length).toBeGreaterThan(5);
      expect(plan.filter(([kind]) => kind === 'database').map((line) => line[2])).toEqual(databases);
      // Names of tasks would hide those of services.
      const tasks = new Set(['prune', 'nightly', 'schedule', 'drill', 'everything']);
      expect(
        [...services, ...stack.services.flatMap(({ known_as = [] }) => known_as)].filter((id) =>
          tasks.has(id),
        ),
      ).toEqual([]);
    },
  );

  test('backups are ignored by git, and mounted nowhere but where they are copied off, read-only', () => {
    expect(file('.gitignore')).toMatch(/^\/backups\/$/m);
    const services = [...real.keys()];
    const mounts = services.flatMap(
      (id) => JSON.stringify(real.get(id)).match(/"\.(\/backups[^"]*|\/?:[^"]*)"/g) ?? [],
    );
    expect(mounts).toEqual(['"./backups:/backups:ro"']);
  });
});
