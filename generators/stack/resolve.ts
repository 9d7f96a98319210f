import type { Catalog, CatalogService } from '../../catalog/service.js';
import type { Answers, SettingValue } from './answers.js';
import { accessChoices, resolveGate } from './access.js';
import { categories } from './categories.js';
import { applies } from './conditions.js';
import { isPublicName } from './host.js';
import { nearest } from './near.js';
import type { Locate, Problem } from './problem.js';
import { findPreset } from './presets.js';
import { resolvePorts } from './ports.js';
import { resolveSites } from './sites.js';
import type { ResolvedSetting, Site, Stack } from './stack.js';

const nowhere: Locate = (_path, message, remedy) => ({
  message,
  ...(remedy === undefined ? {} : { remedy }),
});

/** Decides everything about a stack, or lists all that is wrong with the answers. */
export function resolve(
  answers: Answers,
  catalog: Catalog,
  locate: Locate = nowhere,
): { stack: Stack } | { problems: Problem[] } {
  const problems: Problem[] = [];
  const { services, added } = resolveServices(answers, catalog, problems, locate);
  if (problems.length > 0) return { problems };
  const preset = findPreset(answers, catalog, problems, locate);
  const gate = resolveGate(answers, services, problems, locate);
  const settings = resolveSettings(answers, { services, gate, tls: answers.tls }, catalog, problems, locate);
  // Of the service that is in every stack: nginx.
  const front = (name: string): SettingValue | undefined =>
    settings.find((setting) => setting.service.always === true && setting.definition.name === name)?.value;
  const base = {
    answers,
    name: answers.name,
    preset,
    tls: answers.tls,
    email: answers.email,
    scheme: (answers.tls === 'off' ? (front('outer_scheme') ?? 'http') : 'https') as Stack['scheme'],
    httpPort: Number(front('http_port') ?? 80),
    httpsPort: Number(front('https_port') ?? 443),
    services,
    added,
    gate,
    settings,
    networkNumbers: catalog.networks ?? new Map<string, number>(),
    memory: services.reduce((sum, service) => sum + service.memory * replicas({ settings }, service), 0),
  };
  const sites = resolveSites(answers, base, problems, locate);
  refuseUncertified(sites, base, problems, locate);
  const ports = resolvePorts(answers, base, problems, locate);
  return problems.length > 0 ? { problems } : { stack: { ...base, sites, ports } };
}

/** No public authority gives a certificate for a name that is not in the public DNS. */
function refuseUncertified(
  sites: Site[],
  { tls, settings }: Pick<Stack, 'tls' | 'settings'>,
  problems: Problem[],
  locate: Locate,
): void {
  const other = settings.some(
    ({ service, definition, value }) =>
      typeof service.always === 'object' && definition.name === 'server' && value !== '',
  );
  if (tls !== 'letsencrypt' || other) return;
  for (const [index, { host, aliases }] of sites.entries())
    for (const name of [host, ...aliases])
      if (!isPublicName(name))
        problems.push(
          locate(
            ['domains', index],
            `Let's Encrypt gives no certificate for '${name}', which is not a name of the public DNS`,
            'Choose --tls self-signed, or a domain of yours.',
          ),
        );
}

/** How many containers of a service run side by side. */
export function replicas({ settings }: Pick<Stack, 'settings'>, service: CatalogService): number {
  const found = settings.find(
    (setting) => setting.service.id === service.id && setting.definition.name === 'replicas',
  );
  return service.scale === undefined ? 1 : Number(found?.value ?? 1);
}

/** The name in `.env` of a service's setting. */
export function variableName(service: string, setting: string): string {
  return `${service}_${setting}`.toUpperCase().replaceAll('-', '_');
}

function isAlways({ always }: CatalogService, answers: Answers): boolean {
  return typeof always === 'object' ? always.tls === answers.tls : always === true;
}

function resolveServices(
  answers: Answers,
  catalog: Catalog,
  problems: Problem[],
  locate: Locate,
): Pick<Stack, 'services' | 'added'> {
  const chosen = new Map<string, CatalogService>();
  const added: Stack['added'] = [];
  for (const service of catalog.values()) if (isAlways(service, answers)) chosen.set(service.id, service);
  answers.services.forEach((id, index) => {
    const service = catalog.get(id);
    if (typeof service?.always === 'object' && !chosen.has(id)) {
      const { tls } = service.always;
      problems.push(
        locate(['services', index], `'${id}' belongs to the TLS mode ${tls}`, `Choose that: --tls ${tls}.`),
      );
    } else if (service) chosen.set(id, service);
    else {
      const names = nearest(id, catalog.keys());
      problems.push(
        locate(
          ['services', index],
          `there is no service '${id}'`,
          names.length > 0
            ? `Did you mean ${names.join(' or ')}?`
            : "Run 'create-osgs list' to see all services.",
        ),
      );
    }
  });
  for (const by of chosen.values()) {
    for (const id of by.needs ?? []) {
      const service = catalog.get(id);
      if (!service) problems.push({ file: by.file, message: `needs '${id}', which is not in the catalogue` });
      else if (!chosen.has(id)) {
        chosen.set(id, service);
        added.push({ service, by });
      }
    }
  }
  for (const service of chosen.values()) {
    for (const id of service.conflicts ?? []) {
      if (chosen.has(id))
        problems.push(
          locate(['services'], `'${service.id}' and '${id}' cannot be in one stack`, 'Choose one of them.'),
        );
    }
  }
  const order = (service: CatalogService): number => categories.indexOf(service.category);
  const flavoured = new Map([...chosen].map(([id, service]) => [id, flavour(service, answers)]));
  const services = [...flavoured.values()].sort((a, b) => order(a) - order(b) || (a.id < b.id ? -1 : 1));
  const same = (service: CatalogService): CatalogService => flavoured.get(service.id) ?? service;
  return { services, added: added.map(({ service, by }) => ({ service: same(service), by: same(by) })) };
}

/** The service in the packaging that the answers choose. */
function flavour(service: CatalogService, answers: Answers): CatalogService {
  const found = service.flavours?.find(({ id }) => id === answers.settings[service.id]?.flavour);
  const { id, title, summary } = service;
  return { ...service, ...found, id, title, summary };
}

function resolveSettings(
  answers: Answers,
  { services, gate, tls }: Pick<Stack, 'services' | 'gate' | 'tls'>,
  catalog: Catalog,
  problems: Problem[],
  locate: Locate,
): ResolvedSetting[] {
  for (const [id, values] of Object.entries(answers.settings)) {
    const service = services.find((chosen) => chosen.id === id) ?? catalog.get(id);
    if (!service) {
      problems.push(
        locate(
          ['settings', id],
          `settings name a service '${id}' that does not exist`,
          hint(id, catalog.keys()),
        ),
      );
      continue;
    }
    // 'path' and 'access' belong to the routes.
    const names = [
      ...(service.settings ?? []).filter(({ type }) => type !== 'secret').map(({ name }) => name),
      ...(service.routes ? ['path', 'access'] : []),
    ];
    if (service.routes && values.access !== undefined && !accessChoices.includes(String(values.access)))
      problems.push(
        locate(
          ['settings', id, 'access'],
          `'${id}.access' must be one of ${accessChoices.join(', ')}`,
          'protected: nginx asks who comes. public: nginx does not ask.',
        ),
      );
    for (const name of Object.keys(values)) {
      if ((service.settings ?? []).some((setting) => setting.name === name && setting.type === 'secret')) {
        problems.push(
          locate(
            ['settings', id, name],
            `'${id}.${name}' is a secret and has no place in the answers`,
            `Set ${variableName(id, name)} in .env.`,
          ),
        );
      } else if (!names.includes(name)) {
        problems.push(locate(['settings', id, name], `'${id}' has no setting '${name}'`, hint(name, names)));
      }
    }
  }
  const settings: ResolvedSetting[] = [];
  for (const service of services) {
    for (const definition of service.settings ?? []) {
      const given = answers.settings[service.id]?.[definition.name];
      const value = given ?? definition.default;
      const wrong = given === undefined ? undefined : checkValue(definition, given);
      if (wrong)
        problems.push(
          locate(
            ['settings', service.id, definition.name],
            `'${service.id}.${definition.name}' ${wrong}`,
            definition.help,
          ),
        );
      settings.push({ service, definition, variable: variableName(service.id, definition.name), value });
    }
  }
  const known = { services, settings, tls, gate };
  return settings.filter(
    ({ definition, service }) => !definition.when || applies(definition.when, service, known),
  );
}

function hint(word: string, names: Iterable<string>): string {
  const all = [...names];
  const near = nearest(word, all);
  if (near.length > 0) return `Did you mean ${near.join(' or ')}?`;
  return all.length > 0 && all.length < 20
    ? `There are: ${all.join(', ')}.`
    : "Run 'create-osgs list' to see all services.";
}

function checkValue(definition: ResolvedSetting['definition'], value: SettingValue): string | undefined {
  const { type, minimum, maximum, choices, pattern } = definition;
  if (type === 'boolean') return typeof value === 'boolean' ? undefined : 'must be true or false';
  if (type === 'choice')
    return choices?.includes(String(value)) ? undefined : `must be one of ${(choices ?? []).join(', ')}`;
  if (type === 'integer') {
    if (!Number.isInteger(value)) return 'must be a whole number';
    if (minimum !== undefined && Number(value) < minimum) return `must be at least ${minimum}`;
    if (maximum !== undefined && Number(value) > maximum) return `must be at most ${maximum}`;
    return undefined;
  }
  if (typeof value !== 'string') return 'must be a text';
  if (/[\r\n\0]/.test(value)) return 'must be one line';
  return pattern === undefined || new RegExp(`^(?:${pattern})$`).test(value)
    ? undefined
    : `must match ${pattern}`;
}
