import type { CatalogService, Route } from '../../catalog/service.js';

/** Headers that nginx sets on every request, to the truth: templates/nginx/snippets/proxy.conf.ejs. */
export const setHeaders = [
  'Host',
  'X-Real-IP',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Forwarded-Proto',
  'X-Forwarded-Port',
];

/** Where a request was sent to, in the words of proxies and frameworks. */
const address = [
  'Forwarded',
  'X-Forwarded-By',
  'X-Forwarded-Context',
  'X-Forwarded-Path',
  'X-Forwarded-Prefix',
  'X-Forwarded-Protocol',
  'X-Forwarded-Scheme',
  'X-Forwarded-Server',
  'X-Forwarded-Ssl',
  'X-Forwarded-Uri',
  'X-Forwarded-Url',
  'X-Forwarded-Method',
  'X-Forwarded-Trusted-Proxy',
  'X-Host',
  'X-HTTP-Host-Override',
  'X-Map-Root-Url',
  'X-Original-Host',
  'X-Original-Method',
  'X-Original-Prefix',
  'X-Original-Proto',
  'X-Original-URI',
  'X-Original-URL',
  'X-Proxied-Https',
  'X-ProxyContextPath',
  'X-Rewrite-URL',
  'X-Scheme',
  'X-Script-Name',
  'X-Url-Scheme',
  'Front-End-Https',
  'Proxy',
];

/** From which address a request came. */
const client = [
  'CF-Connecting-IP',
  'Fastly-Client-IP',
  'True-Client-IP',
  'X-Client-IP',
  'X-Cluster-Client-IP',
  'X-Envoy-External-Address',
  'X-Original-For',
  'X-Original-Forwarded-For',
  'X-Originating-IP',
  'X-ProxyUser-IP',
  'X-Remote-Addr',
  'X-Remote-IP',
];

/** Another method than that of the request line, which is the one that nginx judges. */
const method = ['X-HTTP-Method', 'X-HTTP-Method-Override', 'X-Method-Override'];

/** Who the visitor is, as a gate or a proxy with client certificates would say. */
const identity = [
  'Client-Cert',
  'Proxy-Auth-Cert',
  'Proxy-SSL-Id',
  'Remote-Email',
  'Remote-Groups',
  'Remote-Name',
  'Remote-User',
  'Sec-Email',
  'Sec-Firstname',
  'Sec-Lastname',
  'Sec-Org',
  'Sec-Orgname',
  'Sec-Proxy',
  'Sec-Roles',
  'Sec-Username',
  'SSL-Client-Cert',
  'SSL-Client-S-DN',
  'SSL-Client-Verify',
  'X-ARR-ClientCert',
  'X-Auth-Email',
  'X-Auth-Groups',
  'X-Auth-Request-Access-Token',
  'X-Auth-Request-Email',
  'X-Auth-Request-Groups',
  'X-Auth-Request-Preferred-Username',
  'X-Auth-Request-Redirect',
  'X-Auth-Request-User',
  'X-Auth-User',
  'X-Auth-Username',
  'X-Authenticated-Groups',
  'X-Authenticated-User',
  'X-Client-Cert',
  'X-Client-DN',
  'X-Forwarded-Access-Token',
  'X-Forwarded-Client-Cert',
  'X-Forwarded-Email',
  'X-Forwarded-Groups',
  'X-Forwarded-Preferred-Username',
  'X-Forwarded-User',
  'X-JWT-Assertion',
  'X-Proxy-User',
  'X-Remote-Email',
  'X-Remote-Group',
  'X-Remote-Groups',
  'X-Remote-Name',
  'X-Remote-User',
  'X-SSL-Client-Cert',
  'X-SSL-Client-DN',
  'X-SSL-Client-S-DN',
  'X-SSL-Client-Verify',
  'X-Username',
  'X-WebAuth-Email',
  'X-WebAuth-Groups',
  'X-WebAuth-Name',
  'X-WebAuth-Role',
  'X-WebAuth-User',
];

/** Headers that services and their frameworks trust: on every route nginx takes away what a client sends in them. */
export const clearedHeaders = [...address, ...client, ...method, ...identity];

const known = new Set([...setHeaders, ...clearedHeaders].map((name) => name.toLowerCase()));

/** What else one route must clear: headers that its service alone trusts, and that the route does not set. */
export function clearedBesides(service: Pick<CatalogService, 'trusts'>, route: Route): string[] {
  const own = new Set(Object.keys(route.headers ?? {}).map((name) => name.toLowerCase()));
  return (service.trusts ?? []).filter(
    (name) => !known.has(name.toLowerCase()) && !own.has(name.toLowerCase()),
  );
}
