import type { Route } from '../../catalog/service.js';
import type { SettingValue } from './answers.js';

/** The settings of nginx, by name. */
export type FrontSettings = Record<string, SettingValue | undefined>;

/** One kind of thing that nginx holds in memory: how many at most, and how large each is. */
export interface Holding {
  what: string;
  count: number;
  kib: number;
}

const kib = 1;
const mib = 1024;

/**
 * Sizes of nginx's directives, in KiB. The template writes them into nginx.conf, and `frontMemory` counts with them: a
 * value that stands here only once cannot differ between the two.
 */
export const frontSizes = {
  /** `worker_processes`: a number and not `auto`, because each process costs memory, also on a host with 64 cores. */
  workers: 4,
  /** `large_client_header_buffers`, which a connection may fill before a request is counted. */
  headers: { count: 2, kib: 16 },
  /** Connections beside those of requests: they wait, or send their headers. One client may have opened them all. */
  waiting: 12_288,
  /** `proxy_buffer_size` and `proxy_buffers`, and the same of FastCGI: what a slow reader has not taken yet. */
  answer: { head: 16, count: 4, kib: 16 },
  /** `gzip_buffers`, `gzip_window` and `gzip_hash`. */
  gzip: { count: 4, kib: 8, window: 8, hash: 16 },
  /** `client_body_buffer_size`: larger bodies go to a file, or to the service. */
  body: 16,
  /** `http2_body_preread_size`, the default: what an HTTP/2 request may send before nginx asks for it. */
  preread: 64,
  /** The largest body that nginx keeps in a file until it is whole. A route that takes more passes bodies on at once. */
  file: 10 * mib,
  /** The largest body of the middle class, whose `Content-Length` has five or six digits. */
  middle: mib,
  /** Files of the middle class that one address may have at the same time. */
  middles: 24,
  /** The temporary files of answers on their way into the cache. */
  cacheFiles: 256 * mib,
  /** `keys_zone` of the cache. */
  cacheKeys: 32 * mib,
} as const;

/** A size of nginx in KiB: `1m`, `20k`; `0` is no limit. */
export function sizeInKib(text: string): number {
  const [, number, unit] = /^([0-9]+)([kmg]?)$/.exec(text) ?? [];
  const factor = { '': 1 / mib, k: kib, m: mib, g: mib * mib }[unit as 'k'];
  return Number(number) === 0 ? Infinity : Number(number) * factor;
}

/** Whether nginx passes the bodies of a route on at once, and does not keep each in a file until it is whole. */
export function passesBodies({ buffering, body_size }: Pick<Route, 'buffering' | 'body_size'>): boolean {
  return buffering === false || sizeInKib(body_size ?? '1m') > frontSizes.file;
}

/** What nginx's container may use. Sizes in MiB where the name does not say otherwise. */
export interface FrontMemory {
  /** Requests under way, of all addresses. */
  requests: number;
  /** `worker_connections` of each process. */
  connections: number;
  /** Bodies of one address above 1 MB or of unknown length, on routes whose bodies nginx keeps in files. */
  uploads: number;
  /** The same on routes that pass bodies on at once: they cost a buffer each. */
  streams: number;
  /** `size=` of the tmpfs with the bodies. */
  files: number;
  /** `size=` of the tmpfs with answers for the cache; 0 where it is off. */
  cacheFiles: number;
  /** The memory limit of the container. */
  limit: number;
  holdings: Holding[];
}

/**
 * The bounds of nginx and the memory that it can use within them. One address never holds all that there is of a kind:
 * two thirds of the requests and half of the files are the most, so that other addresses find room.
 */
export function frontMemory(settings: FrontSettings, upstreams = 100): FrontMemory {
  const s = frontSizes;
  const perClient = Number(settings.connections_per_client ?? 1000);
  const uploads = Number(settings.uploads_per_client ?? 8);
  const cache = settings.cache === true;
  const requests = Math.ceil(perClient * 1.5);
  // A request has a connection to the client and one to the service.
  const connections = Math.ceil((2 * requests + s.waiting) / s.workers);
  const files = Math.ceil((2 * (uploads * s.file + s.middles * s.middle)) / mib);
  const cacheFiles = cache ? s.cacheFiles / mib : 0;
  const deflate = 8 + s.gzip.window * 4 + s.gzip.hash * 2;
  const holdings: Holding[] = [
    // Two sets of processes, because those of before a reload end only after their last request.
    { what: 'processes', count: 2 * s.workers, kib: 10 * mib },
    // A connection of a client: TLS, measured at 33 KiB (OpenSSL 3.5), and the headers. Each request that a service
    // answers has a second connection, to the service, which has neither.
    {
      what: 'connections',
      count: connections * s.workers - requests,
      kib: 33 + s.headers.count * s.headers.kib,
    },
    { what: 'requests', count: requests, kib: 16 },
    { what: 'answers', count: requests, kib: s.answer.head + s.answer.count * s.answer.kib },
    { what: 'compression', count: requests, kib: s.gzip.count * s.gzip.kib + deflate },
    { what: 'bodies in memory', count: requests, kib: s.body + s.preread },
    { what: 'files of bodies', count: 1, kib: files * mib },
    { what: 'other files in memory', count: 1, kib: (8 + 8 + 8) * mib },
    { what: 'files of the cache', count: 1, kib: cacheFiles * mib },
    // requests, connections, bodies, logins, TLS sessions; and those of the routes with a limit.
    { what: 'shared zones', count: 1, kib: (76 + (cache ? s.cacheKeys / mib : 0)) * mib },
    { what: 'upstream zones', count: upstreams, kib: 64 * kib },
  ];
  const total = holdings.reduce((sum, { count, kib: each }) => sum + count * each, 0);
  return {
    requests,
    connections,
    uploads,
    streams: uploads * 8,
    files,
    cacheFiles,
    // Rounded up, so that a small change of the sizes above does not change the limit of every stack.
    limit: Math.ceil(total / mib / 64) * 64,
    holdings,
  };
}
