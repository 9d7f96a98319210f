import type { TlsMode } from '../generators/stack/tls.js';

/** A service of the catalogue, as its YAML file describes it. The JSON Schema beside this file is the contract. */

/** When a part of a service applies. All the conditions that are given must hold. */
export interface Condition {
  /** This other service, or all of these, are in the stack. */
  with?: string | string[];
  /** None of these services is in the stack. */
  without?: string | string[];
  /** This boolean setting of the service is true; `name=value` asks for a value. */
  setting?: string;
  /** Who asks for credentials before protected routes: nginx itself, or a service with a `gate`. */
  gate?: 'basic' | 'service';
  /** The stack's TLS mode is this one, or one of these. */
  tls?: TlsMode | TlsMode[];
  /** A service of the stack is closed at nginx until its administrator exists. */
  first_account?: true;
}

export interface Setting {
  name: string;
  /** `secret` values are made once, live in `.env` alone and are never an answer. */
  type: 'string' | 'integer' | 'boolean' | 'choice' | 'secret';
  help: string;
  default?: string | number | boolean;
  choices?: string[];
  /** A regular expression that the whole value must match. */
  pattern?: string;
  minimum?: number;
  maximum?: number;
  /** Of a secret that an image wants in its own form; 32 letters and digits where it is absent. */
  format?: 'hex64';
  /** How a secret gets another value; where it is absent a new one in `.env` counts at the next `make up`. */
  rotate?: Rotation;
  /** Whether the value is an entry of `.env` (always so for secrets), so that it can differ between hosts. */
  env?: boolean;
  when?: Condition;
}

/** What else has to be done, or that only a person can do it, so that a new value of a secret counts. */
export interface Rotation {
  /** The container in which `run` is run. */
  in?: string;
  /** Tells the running service: a command of sh that finds the value of before in `$OLD` and the new one in `$NEW`. */
  run?: string;
  /** Why the value is not just replaced, and what a person does. */
  by_hand?: string;
  when?: Condition;
}

/** A `services`, `volumes` and `networks` mapping in plain Compose syntax. */
export interface ComposePart {
  services?: Record<string, Record<string, unknown>>;
  volumes?: Record<string, Record<string, unknown> | null>;
}

export interface Route {
  /** Part of the route's id after the service's id; absent for the main route. */
  name?: string;
  title?: string;
  /** `container:port`, or `volume:NAME` for files that nginx serves itself. */
  upstream: string;
  /** What the upstream speaks; HTTP where it is absent. */
  protocol?: 'http' | 'fastcgi';
  /** The path offered, with a slash at both ends; absent where only a domain of its own works. */
  path?: string;
  /** `fixed`: the image knows only this path. `free`: the owner may choose another. */
  paths?: 'fixed' | 'free';
  /** What the upstream sees of the path. */
  prefix: 'keep' | 'strip';
  /** On a domain of its own: served at `/`, or `/` redirects to the path. */
  own: 'root' | 'redirect' | 'no';
  /** Takes the root of the primary domain when it is free. */
  home?: boolean;
  /** What to open, relative to the route. */
  entry?: string;
  /** Without its slash the path redirects to itself with it; `optional`: it is served so, too, for programs that follow no redirect. */
  slash?: 'optional';
  /** False where there is nothing for a person to open: the portal leaves it out. */
  page?: boolean;
  websocket?: boolean;
  body_size?: string;
  timeout?: string;
  buffering?: boolean;
  /** The container has a web server in front of its program: where that says 502 or 504, visitors see nginx's page. */
  inner_proxy?: true;
  /** How often one client address may ask here, per second in the long run, and how much at once. */
  limit?: { per_second: number; burst: number };
  /** Requests that carry a password: nginx limits how often one client address may make them. */
  logins?: Login[];
  /** Why a route with `access: login` has no `logins`. */
  no_logins?: string;
  /** Images and vector tiles of this route may be kept by nginx, where its cache is on. */
  cache?: boolean;
  headers?: Record<string, string>;
  /** Parts of the path that are refused, relative to the route. */
  deny?: string[];
  /** The only paths that exist, relative to the route: a regular expression of the decoded path. All others are 404. */
  only?: string;
  /** The methods that are let through, some of them under a condition; all where it is absent. Others are 405. */
  methods?: (string | { method: string; when?: Condition })[];
  /** Parameters of the query, in any case, with which a request is refused; `*` in a name stands for any text. */
  deny_query?: string[];
  /** Parameters whose values, as they stand in the query, must match a regular expression wherever they occur. */
  query_values?: Record<string, string>;
  /** Parameters that must be numbers, and how large they may be. */
  query_max?: Record<string, number>;
  /** `public`: for everybody. `login`: the service has a login of its own. `protected`: nginx asks, for the service does not. */
  access: 'public' | 'login' | 'protected';
  /**
   * Whoever is let in here administers a service. `all`: the route is for nothing else, and belongs on a host name of its own.
   * `part`: the route publishes, too. Such a route is never public.
   */
  administers?: 'all' | 'part';
  /** Parts of the path that stay open where the route is protected, relative to the route: for devices and other programs. */
  open?: string[];
}

/** A request with which a person or program logs in. */
export interface Login {
  /** Relative to the route, without a query; `*` stands for one part of a path. Paths below it count as well. */
  path: string;
  /** `POST` where it is absent; any where the password comes with each request. */
  methods?: string[];
  /** `basic`: each request below the path may bring a name and password, in the header Authorization. */
  credentials?: 'basic';
}

export interface Port {
  name: string;
  container: string;
  port: number;
  protocol: 'tcp' | 'udp';
  purpose: string;
}

/**
 * What containers open connections to, by container. A text in `<% %>` may give several names with blanks between, or none. What
 * the routes need is known without it.
 */
export type Connects = Record<string, string[]>;

export interface Wiring extends Condition {
  compose?: ComposePart;
  connects?: Connects;
  /** Items handed to the templates of other services, by kind (`roles`, `sources`, ...). */
  offers?: Record<string, Record<string, unknown>[]>;
}

export interface Task {
  name: string;
  help: string;
  run: string[];
  /** The task exists only under this condition. */
  when?: Condition;
}

export interface Check {
  path: string;
  status: number;
  contains?: string;
}

/** A question that `make check` asks inside a container. A line of the answer that begins with "warning" is no failure. */
export interface ContainerCheck {
  title: string;
  /** The container that runs the command. */
  in: string;
  run: string[];
  /** A file below `services/ID/` of the emitted repository: the command's standard input. */
  input?: string;
}

/** Why a container is less closed than the base, by container. Printed beside the setting that it explains. */
export interface Hardening {
  /** Why it starts as root. */
  root?: string;
  /** The image's own user, where that is not root and nothing sets another. */
  user?: string;
  writable?: string;
  capabilities?: string;
  /** What of the host is mounted that is not this repository, and why. */
  host?: string;
  /** Why it has a secret of another service, which that one does not give it itself. */
  secrets?: string;
}

/** Something that a service keeps, and how it comes into a backup. */
export interface State {
  /** A volume: an archive of it. Beside `server`, the one in which that server keeps what is dumped. */
  volume?: string;
  /** Containers that write the volume are stopped while the service is backed up: no copy of a running one is whole. */
  stop?: boolean;
  /** Why the volume is left out. */
  skip?: string;
  /** A database on the service's own server, or on that of a service that it needs: pg_dump. */
  database?: string;
  /** A container with a PostgreSQL server: its roles and all of its databases, named here or not. */
  server?: string;
  /** The superuser of `server`. */
  user?: string;
  /** A folder of the repository that people or programs put data into. */
  folder?: string;
  /** What is in it, for the emitted README. */
  note?: string;
}

/**
 * A folder or a volume that one container writes and another reads. It is data: nothing in it changes which programs the readers run.
 */
export interface SharedData {
  /** A folder below the service's own, `services/ID/`. No file that a program reads as its configuration is in it. */
  folder?: string;
  volume?: string;
  /** Why nothing that is written here changes what runs in the containers that read it. Printed in the emitted README. */
  why: string;
}

/** The image of a service, with an exact tag. */
export interface Image {
  name: string;
  tag: string;
  evidence: string;
  /** The digest of the tag's image index, where public files agree on it: the image cannot change unseen then. */
  digest?: string;
}

export interface Service {
  id: string;
  title: string;
  category: string;
  summary: string;
  homepage: string;
  docs: string;
  source: string;
  issues: string;
  license: string;
  maturity: 'stable' | 'experimental';
  untested?: string;
  /** What is to be done by hand when the part of the image's tag that the pattern finds changes. */
  upgrade?: { part: string; note: string }[];
  /** Never asked for: in every stack, or in those of a TLS mode. */
  always?: boolean | { tls: TlsMode };
  image: Image;
  /** The id of the service's own packaging, where there are others. */
  flavour?: string;
  flavours?: Flavour[];
  gate?: Gate;
  /** Memory that the service typically uses, in MiB. */
  memory: number;
  needs?: string[];
  suggests?: string[];
  conflicts?: string[];
  settings?: Setting[];
  /** Containers whose first start takes hours, and what they do meanwhile: nobody waits for them. */
  slow_start?: Record<string, string>;
  first_account?: FirstAccount;
  /** A container of which several may run side by side: the service gets a setting `replicas`. */
  scale?: string;
  connects?: Connects;
  compose: ComposePart;
  /** Request headers that the program believes as they come: nginx sets or clears each of them. */
  trusts?: string[];
  routes?: Route[];
  ports?: Port[];
  hardening?: Record<string, Hardening>;
  wiring?: Wiring[];
  state?: State[];
  stateless?: string;
  /** What containers may write of the repository, and of volumes that other services read. */
  data?: SharedData[];
  /** Other names that `make backup-NAME` and `make restore-NAME` take: those of OSGS. */
  known_as?: string[];
  tasks?: Task[];
  checks?: Check[];
  container_checks?: ContainerCheck[];
  /** What to do after the first start, in Markdown. */
  first_login?: string;
  /** Files that are written once and belong to the owner afterwards; paths below the service's templates. */
  once?: string[];
  /** Folders of `templates/shared` that several services emit, and their places below the service's folder. */
  shared?: Record<string, string>;
}

/** Who makes the first account of a service, and how nginx sees that it exists: until then it refuses the routes. */
export interface FirstAccount {
  /** What makes the account, and why no visitor can do so before. */
  made_by: string;
  /** Where this was read. */
  source: string;
  /** `container:port/path` that nginx's container asks; absent where the account exists before the service listens. */
  ask?: string;
  /** `ask` is a socket.io server: this event is sent, and its acknowledgement is the answer. */
  event?: string;
  /** The account that the image brings along, as `name:password`. Everybody knows it. */
  login?: string;
  /** The answer of a service that has its administrator: a text in it, or one of these statuses. */
  open_when?: string | number[];
}

/** A service that decides who may enter protected routes: nginx asks it about every request. */
export interface Gate {
  /** `container:port`. */
  upstream: string;
  /** The path that every domain with a protected route gives to the gate, with a slash at both ends. */
  path: string;
  /** Answers 2xx where the request may pass and 401 where it may not. */
  verify: string;
  /** Redirects a person without a session to the login. */
  sign_in: string;
  /** The request header that tells `sign_in` where to come back to: path and query. */
  come_back: string;
  /** Headers of the verifying answer that are handed to the service, by the name they get there. */
  identity?: Record<string, string>;
}

/** Another packaging of the same software. What it states takes the place of the service's own. */
export interface Flavour extends Partial<Omit<Service, 'id' | 'flavours'>> {
  id: string;
  title: string;
  /** When to choose it, in a sentence. */
  summary: string;
  image: Service['image'];
}

export interface CatalogService extends Service {
  /** The file that describes the service. */
  file: string;
  /** The folder with the service's own templates, whether it exists or not; absent where they are the package's. */
  templates?: string;
}

/** A named selection of services for a use case. */
export interface Preset {
  id: string;
  title: string;
  summary: string;
  services: string[];
  /** Settings that the use case wants, by service; the owner's own answers go before them. */
  settings?: Record<string, Record<string, string | number | boolean>>;
  /** What to do first, in Markdown, for the emitted README. */
  how_to: string;
}

/** Services by id, in the order of their files, and the presets. */
export type Catalog = ReadonlyMap<string, CatalogService> & {
  readonly presets: ReadonlyMap<string, Preset>;
  /** The numbers of the networks that the package's services make; absent where there is no such list. */
  readonly networks?: ReadonlyMap<string, number>;
};

/** Software that the catalogue leaves out. */
export interface NotOffered {
  title: string;
  homepage: string;
  reason: string;
}
