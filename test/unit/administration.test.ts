import { describe, expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';
import type { CatalogService } from '../../catalog/service.js';
import { validateService } from '../../catalog/validate.js';
import { describePlan } from '../../generators/app/report.js';
import { planWithDefaults } from '../../generators/app/plan.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import { proposeAdministration, stackWarnings } from '../../generators/stack/administration.js';
import type { Answers } from '../../generators/stack/answers.js';
import { resolve } from '../../generators/stack/resolve.js';
import { emptyFolder } from '../run.js';
import { choosable, makeStack } from '../stacks.js';

const catalog = loadCatalog();
const templates = loadTemplates(catalog);
const routes = [...catalog.values()].flatMap((service) =>
  [service, ...(service.flavours ?? [])]
    .flatMap((one) => one.routes ?? [])
    .map((route) => ({ service, route })),
);

function answers(services: string[], more: Partial<Answers> = {}): Answers {
  const domains = [{ host: 'gis.example.org' }];
  return { name: 'admin', services, domains, tls: 'off', expose: {}, settings: {}, ...more };
}

describe('the catalogue', () => {
  const administering = routes.filter(({ route }) => route.administers);

  test('has pages that administer, and none of them is public', () => {
    expect(administering.length).toBeGreaterThan(10);
    expect(administering.filter(({ route }) => route.access === 'public')).toEqual([]);
  });

  test('a service file that makes them public is refused', () => {
    const adminer: Partial<CatalogService> = structuredClone(catalog.get('adminer')!);
    delete adminer.file;
    delete adminer.templates;
    expect(validateService(adminer)).toBe(true);
    adminer.routes![0]!.access = 'public';
    expect(validateService(adminer)).toBe(false);
  });
});

describe('an owner who opens administration pages to everybody', () => {
  const opened = (id: string): Answers =>
    answers([id], {
      domains: [
        { host: 'gis.example.org' },
        ...(id === 'uptime-kuma' ? [{ host: 'up.example.org', owner: id }] : []),
      ],
      settings: { [id]: { access: 'public' } },
    });
  const only = routes.filter(({ route }) => route.administers === 'all' && route.access === 'protected');
  const partly = routes.filter(({ route }) => route.administers === 'part' && route.access === 'protected');

  test.each(only.map(({ service }) => service.id))('is refused where %s has no login of its own', (id) => {
    const resolved = resolve(opened(id), catalog);
    const problems = 'problems' in resolved ? resolved.problems : [];
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringContaining(`'${id}.access' cannot be public`) as unknown,
    ]);
  });

  test.each(partly.map(({ service }) => service.id))('is warned where %s publishes, too', (id) => {
    const { stack, rendered } = makeStack(opened(id), catalog, templates);
    expect(stackWarnings(stack)).toEqual([expect.stringContaining(`settings ${id}.access`) as unknown]);
    expect(rendered.files.get('scripts/doctor.sh')?.content).toContain(`settings ${id}.access`);
  });

  test('is not held up where a service has a login, or pages beside its administration', () => {
    for (const id of ['grafana', 'node-red'])
      expect(stackWarnings(makeStack(opened(id), catalog, templates).stack)).toEqual([]);
  });
});

describe('a stack behind a proxy that it does not know', () => {
  const front = (settings: Record<string, string>): Answers =>
    answers(['martin'], { settings: { nginx: settings } });
  const said = 'All visitors share one limit of requests';

  test('is warned in the plan, by doctor and on the host that all visitors share one limit', () => {
    const known = front({ outer_scheme: 'https' });
    const plan = planWithDefaults({ directory: emptyFolder(), catalog, version: '0.0.0', known, git: false });
    expect(describePlan(plan)).toContain(`\nWarnings\n  ${said}`);
    expect(plan.files.get('scripts/doctor.sh')?.content).toContain(`unsure '${said}`);
  });

  test.each([
    ['names the proxy', { outer_scheme: 'https', trusted_proxies: '10.0.0.1' }],
    ['is for trials', {}],
  ])('is not warned where it %s', (_what, settings) => {
    expect(stackWarnings(makeStack(front(settings), catalog, templates).stack)).toEqual([]);
  });
});

describe('a host name for administration', () => {
  const propose = (more: Partial<Answers>): unknown => proposeAdministration(more, catalog);
  const domains = [{ host: 'gis.example.org' }];

  test('is proposed for the pages that do nothing else, and its domain is one that resolves', () => {
    const services = ['adminer', 'geoserver', 'pgadmin', 'filebrowser', 'martin'];
    const proposed = proposeAdministration({ services, domains }, catalog);
    expect(proposed).toEqual({ host: 'admin.gis.example.org', services: ['adminer', 'pgadmin'] });
    const { stack, rendered } = makeStack(
      answers(services, { domains: [...domains, proposed!] }),
      catalog,
      templates,
    );
    expect(stack.sites[1]?.routes.map(({ url }) => url)).toEqual([
      'http://admin.gis.example.org/adminer/',
      'http://admin.gis.example.org/pgadmin/',
    ]);
    expect(rendered.files.get('README.md')?.content).toContain(
      'Only administration is on `admin.gis.example.org`. Keep other services off it.',
    );
  });

  test.each<[string, Partial<Answers>]>([
    ['nothing administers', { services: ['martin', 'geoserver'], domains }],
    ['nothing else is there', { services: ['adminer', 'postgis'], domains }],
    ['the name is not a public one', { services: ['adminer', 'martin'], domains: [{ host: 'localhost' }] }],
    [
      'the owner has a second domain with services already',
      {
        services: ['adminer', 'martin'],
        domains: [...domains, { host: 'x.example.org', services: ['martin'] }],
      },
    ],
    [
      'administration has a domain of its own',
      {
        services: ['adminer', 'martin'],
        domains: [...domains, { host: 'db.example.org', owner: 'adminer' }],
      },
    ],
  ])('is not proposed where %s', (_what, known) => {
    expect(propose(known)).toBeUndefined();
  });

  test('works for every service that it can be proposed for', () => {
    const services = choosable(catalog).filter((id) =>
      catalog.get(id)?.routes?.some(({ administers }) => administers === 'all'),
    );
    expect(services.length).toBeGreaterThan(5);
    for (const id of services) {
      const proposed = proposeAdministration({ services: [id, 'martin'], domains }, catalog);
      expect(proposed?.services).toEqual([id]);
      expect(resolve(answers([id, 'martin'], { domains: [...domains, proposed!] }), catalog)).toHaveProperty(
        'stack',
      );
    }
  });

  test('stands in the README where administration and other pages share one, with what to write', () => {
    const readme = makeStack(answers(['adminer', 'martin']), catalog, templates).rendered.files.get(
      'README.md',
    )?.content;
    expect(readme).toContain('  - host: admin.gis.example.org\n    services: [adminer]\n');
    const none = makeStack(answers(['martin']), catalog, templates).rendered.files.get('README.md')?.content;
    expect(none).not.toContain('## Administration pages');
  });
});
