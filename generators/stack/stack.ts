import type { CatalogService, Preset, Route, Setting } from '../../catalog/service.js';
import type { Answers, SettingValue } from './answers.js';
import type { TlsMode } from './tls.js';

/** A place behind nginx, decided. */
export interface ResolvedRoute {
  /** The service's id, and the route's name where it has one. */
  id: string;
  service: CatalogService;
  title: string;
  definition: Route;
  host: string;
  /** With a slash at both ends. */
  path: string;
  /** The route answers at the root of its domain, or `/` redirects to it. */
  owns: boolean;
  /** The public address of the route, with a slash at its end. */
  url: string;
  /** The public address without a slash at its end, as many services want to be told. */
  base: string;
  /** The address that a person opens. */
  entryUrl: string;
  access: Route['access'];
}

export interface Site {
  host: string;
  aliases: string[];
  primary: boolean;
  routes: ResolvedRoute[];
  /** Where `/` leads: to the entry of a route, to the portal, or nowhere else (a route answers there). */
  root: { redirect: ResolvedRoute } | 'portal' | 'route';
}

/** A setting that applies in this stack. Secrets have no value here: the generator knows their names only. */
export interface ResolvedSetting {
  service: CatalogService;
  definition: Setting;
  /** The name in `.env`. */
  variable: string;
  value: SettingValue | undefined;
}

export interface PublishedPort {
  name: string;
  service: CatalogService;
  container: string;
  containerPort: number;
  protocol: 'tcp' | 'udp';
  /** `address:port` on the host. */
  bind: string;
  purpose: string;
}

/** Everything that was decided about a stack. The same answers and catalogue give the same Stack. */
export interface Stack {
  answers: Answers;
  name: string;
  preset: Preset | undefined;
  tls: TlsMode;
  email: string | undefined;
  /** What visitors use: `https` too where a proxy in front of this stack has the certificates. */
  scheme: 'http' | 'https';
  httpPort: number;
  httpsPort: number;
  /** In a fixed order; services that were added because another needs them are among them. */
  services: CatalogService[];
  /** Services added to the answers' own, with the service that needs each. */
  added: { service: CatalogService; by: CatalogService }[];
  sites: Site[];
  /** Who asks for credentials before protected routes: nginx with a password, or a service. */
  gate: 'basic' | CatalogService | undefined;
  settings: ResolvedSetting[];
  ports: PublishedPort[];
  /** Networks of the package's catalogue with their numbers, by which each has its own addresses. */
  networkNumbers: ReadonlyMap<string, number>;
  /** MiB in all. */
  memory: number;
}
