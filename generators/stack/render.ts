import ejs from 'ejs';
import { clearedHeaders } from './access.js';
import { administrationBeside, stackWarnings } from './administration.js';
import { clearedBesides } from './trusted-headers.js';
import { admission } from './admission.js';
import { applies } from './conditions.js';
import { buildCompose, type ComposeModel } from './compose.js';
import { closedServices, closedWhile, openFolder } from './first-accounts.js';
import { envEntries, formatEnvExample, type EnvEntry } from './env.js';
import { sharedPlaces } from './shared.js';
import { frontSizes } from './front-memory.js';
import { loginPatterns, methodsWithoutLogin } from './logins.js';
import type { Stack } from './stack.js';
import { quoteRegex, routeLocations } from './locations.js';
import { planState } from './state.js';
import { fill, makeView, serviceView, type ServiceView, type View } from './view.js';

export interface OutputFile {
  content: string;
  /** Permission bits. */
  mode: number;
  /** managed: merged on a re-run. once: the owner's as soon as it is there. */
  kind: 'managed' | 'once';
}

/** Path, with slashes, to file. */
export type FileSet = Map<string, OutputFile>;

/** A template as it was read from disk. */
export interface Template {
  /** The path in the emitted repository, before its `[site]`, `[route]` or `[service]` is filled in. */
  path: string;
  text: string;
  /** The file on disk, for messages. */
  file: string;
  /** Whether it is EJS; else its text is taken as it is. */
  ejs: boolean;
  /** The template as a function, where it was compiled when the package was built. */
  run?: (view: object, escape: (value: unknown) => string) => string;
  /** The service whose own file it is. */
  service?: string;
}

export interface Rendered {
  files: FileSet;
  env: EnvEntry[];
  compose: ComposeModel;
}

/** Makes every committed file of the emitted repository, in the order of their paths. No I/O, no time, no chance. */
export function render(stack: Stack, templates: Template[]): Rendered {
  const view = makeView(stack);
  const compose = buildCompose(view);
  const env = envEntries(stack, compose);
  const base = {
    ...view,
    compose,
    env,
    kept: planState(stack, compose),
    shared: sharedPlaces(stack, compose.containers),
    clearedHeaders,
    warnings: stackWarnings(stack),
    administrationBeside,
    frontSizes,
    loginPatterns,
    methodsWithoutLogin,
    quoteRegex,
    howTo: stack.preset ? fill(stack.preset.how_to, view, `preset ${stack.preset.id}`).trim() : '',
    fillFor: (view2: ServiceView, text: string): string => fill(text, view2, view2.service.file),
    serviceView: (service: Stack['services'][number]) => serviceView(view, service),
    /** The routes of which the portal says whether they answer; what nginx serves itself does. */
    probed: view.routes.filter(
      ({ definition }) => definition.page !== false && !definition.upstream.startsWith('volume:'),
    ),
    closed: closedServices(view),
    closedWhile,
    openFolder,
    headersOf: (route: View['routes'][number]) => routeHeaders(view, route),
  };
  const files: FileSet = new Map();
  const emit = (path: string, template: Template, more: object, once = false): void => {
    const content = template.ejs ? renderTemplate(template, { ...base, ...more }) : template.text;
    if (content.trim() === '') return;
    files.set(path, { content, mode: path.endsWith('.sh') ? 0o755 : 0o644, kind: once ? 'once' : 'managed' });
  };
  for (const template of templates) {
    if (template.path.startsWith('shared/')) {
      for (const service of stack.services)
        for (const [folder, place] of Object.entries(service.shared ?? {}))
          if (template.path.startsWith(`shared/${folder}/`))
            emit(
              `services/${service.id}/${place}${template.path.slice(`shared/${folder}`.length)}`,
              template,
              serviceView(view, service),
            );
    } else if (template.service !== undefined) {
      const service = stack.services.find(({ id }) => id === template.service);
      if (!service) continue;
      const inside = template.path.slice(`services/${service.id}/`.length);
      emit(template.path, template, serviceView(view, service), service.once?.includes(inside));
    } else if (template.path.includes('[site]')) {
      for (const site of stack.sites) emit(template.path.replace('[site]', site.host), template, { site });
    } else if (template.path.includes('[route]')) {
      for (const route of view.routes)
        emit(template.path.replace('[route]', route.id), template, {
          route,
          nginx: routeLocations(route, view.routes),
          admission: admission(route, stack),
          headers: routeHeaders(view, route),
        });
    } else if (template.path.includes('[service]')) {
      for (const service of stack.services) {
        const tasks = (service.tasks ?? []).filter(({ when }) => !when || applies(when, service, stack));
        if (tasks.length > 0)
          emit(template.path.replace('[service]', service.id), template, {
            ...serviceView(view, service),
            tasks,
          });
      }
    } else emit(template.path, template, {});
  }
  files.set('.env.example', { content: formatEnvExample(env), mode: 0o644, kind: 'managed' });
  return { files: new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1))), env, compose };
}

function routeHeaders(view: View, route: View['routes'][number]): [string, string][] {
  const own = serviceView(view, route.service);
  const cgi = route.definition.protocol === 'fastcgi';
  return [
    ...clearedBesides(route.service, route.definition).map((name): [string, string] => [
      cgi ? `HTTP_${name.toUpperCase().replaceAll('-', '_')}` : name,
      '',
    ]),
    ...Object.entries(route.definition.headers ?? {}).map(([name, value]): [string, string] => [
      name,
      fill(value, { ...own, route }, route.service.file),
    ]),
  ];
}

/** A template is rendered for every site, route or service: it is compiled once. */
const compiled = new WeakMap<Template, ejs.TemplateFunction>();

function renderTemplate(template: Template, view: object): string {
  try {
    if (template.run) return template.run(view, asText);
    let run = compiled.get(template);
    if (!run) compiled.set(template, (run = ejs.compile(template.text, { escape: asText })));
    return run(view);
  } catch (error) {
    throw new Error(`${template.file}: ${(error as Error).message}`, { cause: error });
  }
}

/** What is emitted is mostly no HTML: the portal page escapes its own texts. */
function asText(value: unknown): string {
  return typeof value === 'string'
    ? value
    : value === undefined || value === null
      ? ''
      : JSON.stringify(value);
}
