import ejs from 'ejs';
import type { CatalogService } from '../../catalog/service.js';
import type { SettingValue } from './answers.js';
import { applies } from './conditions.js';
import { publicHost, siteUrl } from './sites.js';
import type { ResolvedRoute, Stack } from './stack.js';

/** The words that templates and the texts of service files may use. */
export interface View {
  stack: Stack;
  /** The public host of a name, with its port where that is not the scheme's own. */
  publicHost(host: string): string;
  siteUrl(host: string): string;
  /** `NAME@HOST`. Programs refuse an address whose domain has no dot, as on the host `localhost`: it gets one. */
  mailAddress(name: string, host: string): string;
  /** The settings of the service that is in every stack: nginx. */
  front: Record<string, SettingValue | undefined>;
  /** Where a domain's certificate with its chain and its key are, below nginx's folder of certificates. */
  certificateFiles(host: string): { chain: string; key: string };
  /** The name of nginx's upstream block for a service's `host:port`. */
  upstreamName(place: string): string;
  routes: ResolvedRoute[];
  has(id: string): boolean;
  /** What the services of this stack hand to the others, by kind. */
  offers(kind: string): Record<string, unknown>[];
  /** The containers in the offers of a kind, by their `target`, `url` or `host`, with blanks between. */
  hostsOf(kind: string): string;
}

export interface ServiceView extends View {
  service: CatalogService;
  settings: Record<string, SettingValue | undefined>;
  /** The service's main route; absent where it has none. */
  route: ResolvedRoute | undefined;
}

/** Texts of service files come again for every route and container, and are compiled once. */
const compiled = new Map<string, ejs.TemplateFunction>();

/** A text of a service file with its `<% %>` filled in. Throws with the file where the text is wrong. */
export function fill(text: string, view: object, file: string): string {
  if (!text.includes('<%')) return text;
  try {
    let run = compiled.get(text);
    if (!run) compiled.set(text, (run = ejs.compile(text, { escape: String })));
    return run(view);
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** `fill` for every text in a value. */
export function fillAll<T>(value: T, view: object, file: string): T {
  if (typeof value === 'string') return fill(value, view, file) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => fillAll(item, view, file)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, fillAll(item as unknown, view, file)]),
  ) as T;
}

export function makeView(stack: Stack): View {
  const view: View = {
    stack,
    publicHost: (host) => publicHost(host, stack),
    siteUrl: (host) => siteUrl(host, stack),
    mailAddress: (name, host) => `${name}@${host}${host.includes('.') ? '' : '.localdomain'}`,
    front: settingsOf(stack, (service) => service.always === true),
    certificateFiles: (host) => {
      const at = (name: string, usual: string): string =>
        String(view.front[name] ?? `{host}/${usual}`).replaceAll('{host}', host);
      return { chain: at('certificate', 'fullchain.pem'), key: at('certificate_key', 'privkey.pem') };
    },
    upstreamName: (place) => `osgs_${place.replace(/[^A-Za-z0-9]/g, '_')}`,
    routes: stack.sites.flatMap((site) => site.routes),
    has: (id) => stack.services.some((service) => service.id === id),
    offers: (kind) =>
      stack.services.flatMap((service) =>
        (service.wiring ?? [])
          .filter((wiring) => applies(wiring, service, stack))
          .flatMap((wiring) =>
            fillAll(wiring.offers?.[kind] ?? [], serviceView(view, service), service.file),
          ),
      ),
    hostsOf: (kind) =>
      [...new Set(view.offers(kind).map(hostIn))].filter((host) => /^[a-z0-9-]+$/.test(host)).join(' '),
  };
  for (const route of view.routes) {
    // An entry may name a setting: the address that a person opens is known only now.
    route.entryUrl =
      route.url + fill(route.definition.entry ?? '', serviceView(view, route.service), route.service.file);
  }
  return view;
}

function hostIn({ target, url, host }: Record<string, unknown>): string {
  const place = [target, url, host].find((one) => typeof one === 'string') ?? '';
  return (
    String(place)
      .replace(/^[a-z]+:\/\//, '')
      .split(/[:/]/)[0] ?? ''
  );
}

/** The views of the services, by the stack's own. */
const views = new WeakMap<View, Map<string, ServiceView>>();

export function serviceView(view: View, service: CatalogService): ServiceView {
  const known = views.get(view)?.get(service.id);
  if (known) return known;
  const made = makeServiceView(view, service);
  if (!views.has(view)) views.set(view, new Map());
  views.get(view)?.set(service.id, made);
  return made;
}

function makeServiceView(view: View, service: CatalogService): ServiceView {
  return {
    ...view,
    service,
    settings: settingsOf(view.stack, ({ id }) => id === service.id),
    route: view.routes.find((route) => route.service.id === service.id && !route.definition.name),
  };
}

function settingsOf(
  stack: Stack,
  wanted: (service: CatalogService) => boolean,
): Record<string, SettingValue | undefined> {
  const own = stack.settings.filter((setting) => wanted(setting.service));
  return Object.fromEntries(own.map((setting) => [setting.definition.name, setting.value]));
}
