import { basename, resolve } from 'node:path';
import type { Catalog } from '../../catalog/service.js';
import type { Answers, DomainAnswer, SettingValue } from '../stack/answers.js';
import { tlsModes } from '../stack/tls.js';
import { normalizeHost } from '../stack/host.js';
import { ProblemError } from '../stack/problem.js';
import { categories } from '../stack/categories.js';
import { needsDomain } from '../stack/sites.js';

/** What the wizard knows while it asks. */
export interface Asking {
  catalog: Catalog;
  directory: string;
  /** What is known by now: today's answers, the file of --config and the flags. */
  answers: Partial<Answers>;
}

/** One question, for the prompt, the flag, the key in `osgs.yaml` and the help. */
export interface Question {
  key: keyof Answers;
  flag: string;
  /** What stands after the flag in the help. */
  value: string;
  help: string;
  multiple?: true;
  /** Reads the flag's values onto what is known. Throws a ProblemError with exit code 2. */
  read(values: string[], known: Partial<Answers>): Partial<Answers>;
  /** The value without a terminal; absent where there is none and the flag must be given. */
  fallback?(asking: Asking): Answers[keyof Answers];
  /** An inquirer question without its name; absent where the wizard does not ask. */
  prompt?(asking: Asking): object;
  /** The prompt's value as an answer; what is known of it beyond the prompt's words is kept. */
  answer?(value: unknown, known: Partial<Answers>): Answers[keyof Answers];
  /** The flag that repeats an answer. */
  repeat(answers: Answers): string[];
}

const usage = (message: string, remedy?: string): ProblemError =>
  new ProblemError([{ message, ...(remedy === undefined ? {} : { remedy }) }], 2);

const list = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

function stackName(directory: string): string {
  const name = basename(resolve(directory))
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[^a-z0-9]+|-+$/g, '');
  return name.slice(0, 40) || 'osgs';
}

/** `HOST`, `HOST=owner` or `HOST=service,service`. */
function readDomain(text: string): DomainAnswer {
  const [host = '', services] = text.split('=', 2);
  const names = services === undefined ? [] : list(services);
  if (services !== undefined && names.length === 0)
    throw usage(`--domain ${text} names no service after the =`);
  if (names.length === 0) return { host };
  return names.length === 1 ? { host, owner: names[0] ?? '' } : { host, services: names };
}

export function readValue(text: string): SettingValue {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

export const questions: Question[] = [
  {
    key: 'name',
    flag: 'name',
    value: 'NAME',
    help: "the stack's name; by default the directory's",
    read: ([name = '']) => {
      if (!/^[a-z0-9][a-z0-9_-]{0,39}$/.test(name))
        throw usage(`--name '${name}' is not a name`, 'Give lower-case letters, digits, - and _.');
      return { name };
    },
    fallback: ({ directory }) => stackName(directory),
    prompt: ({ directory, answers }) => ({
      type: 'input',
      message: 'Name of the stack',
      default: answers.name ?? stackName(directory),
      validate: (name: string) =>
        /^[a-z0-9][a-z0-9_-]{0,39}$/.test(name) || 'Lower-case letters, digits, - and _, please.',
    }),
    repeat: ({ name }) => ['--name', name],
  },
  {
    key: 'preset',
    flag: 'preset',
    value: 'NAME',
    help: "start from the services of a use case; 'create-osgs list' shows them",
    read: ([preset = '']) => ({ preset }),
    fallback: () => '',
    prompt: ({ catalog, answers }) => ({
      type: 'select',
      message: 'What is the stack for',
      // Once there are services, the use case has done its work.
      when: answers.services === undefined && catalog.presets.size > 0,
      default: '',
      choices: [
        { value: '', name: 'Choose the services one by one' },
        ...[...catalog.presets.values()].map(({ id, title, summary }) => ({
          value: id,
          name: title,
          description: summary,
        })),
      ],
    }),
    repeat: ({ preset }) => (preset ? ['--preset', preset] : []),
  },
  {
    key: 'services',
    flag: 'services',
    value: 'a,b,c',
    help: "the services; 'create-osgs list' shows them",
    read: (values) => ({ services: [...new Set(values.flatMap(list))] }),
    prompt: ({ catalog, answers }) => ({
      type: 'checkbox',
      message: 'Services',
      pageSize: 16,
      choices: categories.flatMap((category) => {
        const services = [...catalog.values()].filter(
          (service) => service.category === category && !service.always,
        );
        if (services.length === 0) return [];
        return [
          { type: 'separator', separator: `-- ${category} --`, line: `-- ${category} --` },
          ...services.map((service) => ({
            value: service.id,
            name: `${service.title} (${service.memory} MB)${service.maturity === 'experimental' ? ' [experimental]' : ''}`,
            short: service.title,
            description: service.summary,
            checked: answers.services?.includes(service.id) ?? false,
          })),
        ];
      }),
      validate: (chosen: unknown[]) => chosen.length > 0 || 'Choose at least one (space bar).',
    }),
    repeat: ({ services }) => ['--services', services.join(',')],
  },
  {
    key: 'domains',
    flag: 'domain',
    value: 'HOST[=service,...]',
    multiple: true,
    help: 'a host name, the primary one first; HOST=service: it answers at the root; HOST=a,b: they are reached by path there',
    read: (values) => ({ domains: values.map(readDomain) }),
    fallback: ({ answers, catalog }) => proposeDomains(answers, catalog),
    prompt: ({ answers, catalog }) => ({
      type: 'input',
      message: 'Host names, the primary one first; HOST=service for one of its own',
      default: proposeDomains(answers, catalog).map(formatDomain).join(' '),
      validate: (text: string) => {
        const wrong = text
          .split(/\s+/)
          .filter((part) => part !== '' && normalizeHost(part.split('=')[0] ?? '') === undefined);
        return wrong.length === 0 && text.trim() !== '' ? true : `'${wrong[0] ?? text}' is not a host name.`;
      },
    }),
    answer: (value, { domains = [] }) =>
      String(value)
        .split(/\s+/)
        .filter((part) => part !== '')
        .map((part) => {
          const same = domains.find((domain) => formatDomain(domain) === part);
          if (same) return same;
          const domain = readDomain(part);
          const aliases = domains.find(({ host }) => host === domain.host)?.aliases;
          return aliases ? { ...domain, aliases } : domain;
        }),
    repeat: ({ domains }) => domains.flatMap((domain) => ['--domain', formatDomain(domain)]),
  },
  {
    key: 'tls',
    flag: 'tls',
    value: tlsModes.join('|'),
    help: "whose certificates: Let's Encrypt's, an authority's of the stack's own, yours; off: plain HTTP",
    read: ([mode = '']) => {
      const found = tlsModes.find((known) => known === mode);
      if (!found) throw usage(`--tls '${mode}' is no TLS mode`, `Choose one of ${tlsModes.join(', ')}.`);
      return { tls: found };
    },
    fallback: () => 'self-signed',
    prompt: ({ answers }) => ({
      type: 'select',
      message: 'TLS',
      default: answers.tls ?? 'self-signed',
      choices: [
        {
          value: 'letsencrypt',
          name: "letsencrypt: Let's Encrypt's certificates; the domains lead to this server already",
        },
        {
          value: 'self-signed',
          name: "self-signed: certificates by an authority of the stack's own, renewed by themselves",
        },
        { value: 'files', name: 'files: certificates that you have, from the folder certificates/' },
        {
          value: 'off',
          name: 'off: plain HTTP, for trials or behind another proxy that has the certificates',
        },
      ],
    }),
    repeat: ({ tls }) => ['--tls', tls],
  },
  {
    key: 'email',
    flag: 'email',
    value: 'ADDR',
    help: 'whom the stack belongs to; printed in its README',
    read: ([email = '']) => {
      if (!/^[^@\s<>"]+@[^@\s<>"]+$/.test(email)) throw usage(`--email '${email}' is not an e-mail address`);
      return { email };
    },
    fallback: () => '',
    prompt: ({ answers }) => ({
      type: 'input',
      message: 'E-mail address of the administrator (may stay empty)',
      default: answers.email ?? '',
      validate: (text: string) =>
        text === '' || /^[^@\s<>"]+@[^@\s<>"]+$/.test(text) || 'An address such as gis@example.org, please.',
    }),
    repeat: ({ email }) => (email ? ['--email', email] : []),
  },
  {
    key: 'expose',
    flag: 'expose',
    value: 'PORT[=[ADDR:]N]',
    multiple: true,
    help: 'publish a port by name beside nginx, on 127.0.0.1 unless an address is given',
    read: (values) => ({
      expose: Object.fromEntries(
        values.map((text) => {
          const [name = '', bind = ''] = text.split('=', 2);
          return [name, bind];
        }),
      ),
    }),
    fallback: () => ({}),
    prompt: ({ catalog, answers }) => {
      const offered = (answers.services ?? []).flatMap((id) => catalog.get(id)?.ports ?? []);
      return {
        type: 'checkbox',
        message: 'Ports to publish beside nginx, on 127.0.0.1',
        when: offered.length > 0,
        choices: offered.map((port) => ({
          value: port.name,
          name: `${port.name} (${port.port}): ${port.purpose}`,
          short: port.name,
          checked: answers.expose?.[port.name] !== undefined,
        })),
      };
    },
    answer: (value, { expose = {} }) =>
      Object.fromEntries(((value ?? []) as string[]).map((name) => [name, expose[name] ?? ''])),
    repeat: ({ expose }) => Object.entries(expose).flatMap(([name, bind]) => ['--expose', `${name}=${bind}`]),
  },
  {
    key: 'settings',
    flag: 'set',
    value: 'SERVICE.SETTING=VALUE',
    multiple: true,
    help: 'a setting of a service',
    read: (values, known) => {
      const settings = structuredClone(known.settings ?? {});
      for (const text of values) {
        const match = /^([a-z0-9-]+)\.([a-z0-9_]+)=(.*)$/s.exec(text);
        if (!match) throw usage(`--set '${text}' is not SERVICE.SETTING=VALUE`);
        const [, service = '', name = '', value = ''] = match;
        settings[service] = { ...settings[service], [name]: readValue(value) };
      }
      return { settings };
    },
    fallback: () => ({}),
    repeat: ({ settings }) =>
      Object.entries(settings).flatMap(([id, values]) =>
        Object.entries(values).flatMap(([name, value]) => ['--set', `${id}.${name}=${String(value)}`]),
      ),
  },
];

/** Today's domains, and one more for each service that works on a domain of its own only and has none. */
function proposeDomains(answers: Partial<Answers>, catalog: Catalog): DomainAnswer[] {
  const domains = answers.domains ?? [{ host: 'localhost' }];
  const primary = domains[0]?.host ?? 'localhost';
  const homeless = (answers.services ?? []).filter(
    (id) =>
      needsDomain(catalog.get(id)) &&
      !domains.some(({ owner, services }) => owner === id || services?.includes(id)),
  );
  return [...domains, ...homeless.map((id) => ({ host: `${id}.${primary}`, owner: id }))];
}

function formatDomain(domain: DomainAnswer): string {
  const services = domain.owner ?? domain.services?.join(',');
  return services === undefined ? domain.host : `${domain.host}=${services}`;
}

/** Ports published without an address get the port's own number on 127.0.0.1. */
export function completeExpose(expose: Answers['expose'], catalog: Catalog): Answers['expose'] {
  const ports = [...catalog.values()].flatMap((service) => service.ports ?? []);
  return Object.fromEntries(
    Object.entries(expose).map(([name, bind]) => {
      const number = ports.find((port) => port.name === name)?.port ?? 0;
      if (bind === '') return [name, `127.0.0.1:${number}`];
      return [name, /^\d+$/.test(bind) ? `127.0.0.1:${bind}` : bind];
    }),
  );
}

/** The answers with the defaults of what is open. Throws a ProblemError that names every one that has none. */
export function withDefaults(
  known: Partial<Answers>,
  { catalog, directory }: Pick<Asking, 'catalog' | 'directory'>,
): Answers {
  const answers: Partial<Answers> = { ...known };
  for (const question of questions) {
    const value = answers[question.key] ?? question.fallback?.({ catalog, directory, answers });
    if (value !== undefined) Object.assign(answers, { [question.key]: value });
  }
  const missing = questions.filter(({ key }) => answers[key] === undefined);
  if (missing.length > 0) {
    throw new ProblemError(
      missing.map((question) => ({
        message: `${question.key}: no answer`,
        remedy: `Give --${question.flag} ${question.value}: ${question.help}.`,
      })),
    );
  }
  return { ...(answers as Answers), expose: completeExpose(answers.expose ?? {}, catalog) };
}
