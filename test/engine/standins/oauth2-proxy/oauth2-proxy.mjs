// The contract of OAuth2 Proxy 7.15 as a gate for nginx (oauth2-proxy/oauth2-proxy:oauthproxy.go, pkg/app/redirect,
// pkg/apis/options): /oauth2/auth, /oauth2/start, /oauth2/callback, /oauth2/sign_out and /ping, with one OpenID Connect provider.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { readFileSync, watchFile } from 'node:fs';
import { createServer } from 'node:http';
import * as openid from 'openid-client';

// The options that are understood; any other word ends the program, as it does there.
const options = {
  http_address: '127.0.0.1:4180',
  reverse_proxy: false,
  upstreams: [],
  set_xauthrequest: false,
  silence_ping_logging: false,
  provider: 'google',
  skip_provider_button: false,
  code_challenge_method: '',
  client_id: '',
  client_secret: '',
  client_secret_file: '',
  skip_oidc_discovery: false,
  oidc_issuer_url: '',
  login_url: '',
  redeem_url: '',
  oidc_jwks_url: '',
  scope: 'openid email profile',
  oidc_email_claim: 'email',
  email_domains: [],
  authenticated_emails_file: '',
  allowed_groups: [],
  session_cookie_minimal: false,
  cookie_secret: '',
  cookie_secret_file: '',
  cookie_secure: true,
  cookie_samesite: '',
  cookie_expire: '168h',
};

function fail(message) {
  console.error(`ERROR: ${message}`);
  process.exit(1);
}

const file = process.argv.find((word) => word.startsWith('--config='))?.slice('--config='.length);
for (const line of file ? readFileSync(file, 'utf8').split('\n') : []) {
  if (/^\s*(#|$)/.test(line)) continue;
  const [, name, value] = /^([a-z0-9_]+) = (.*)$/.exec(line) ?? fail(`${file}: not understood: ${line}`);
  if (!(name in options)) fail(`${file}: no such option: ${name}`);
  options[name] = JSON.parse(value);
}
for (const name of Object.keys(options)) {
  const value = process.env[`OAUTH2_PROXY_${name.toUpperCase()}`];
  if (value !== undefined) options[name] = typeof options[name] === 'string' ? value : JSON.parse(value);
}
for (const name of ['client_secret', 'cookie_secret'])
  if (options[`${name}_file`] && !options[name])
    options[name] = readFileSync(options[`${name}_file`], 'utf8');

/** A secret that is base64 of the right length counts as what it says, any other as it stands. */
function secretBytes(text) {
  const decoded = /^[\w-]+=*$/.test(text) ? Buffer.from(text, 'base64url') : Buffer.alloc(0);
  return [16, 24, 32].includes(decoded.length) ? decoded : Buffer.from(text);
}
const key = secretBytes(options.cookie_secret);
if (![16, 24, 32].includes(key.length))
  fail(`cookie_secret must be 16, 24, or 32 bytes to create an AES cipher, but is ${key.length} bytes`);
for (const name of ['client_id', 'client_secret', 'oidc_issuer_url', 'upstreams'])
  if (options[name].length === 0) fail(`missing setting: ${name}`);
if (options.email_domains.length === 0 && !options.authenticated_emails_file)
  fail('missing setting for email validation: email-domain or authenticated-emails-file required.');
if (options.provider !== 'oidc') fail(`only the provider oidc is here, not ${options.provider}`);

let emails = [];
if (options.authenticated_emails_file) {
  const read = () =>
    (emails = readFileSync(options.authenticated_emails_file, 'utf8')
      .toLowerCase()
      .split('\n')
      .map((text) => text.trim()));
  read();
  watchFile(options.authenticated_emails_file, { interval: 1000 }, read);
}
const admitted = (email) =>
  options.email_domains.some(
    (domain) => domain === '*' || email.toLowerCase().endsWith(`@${domain.toLowerCase()}`),
  ) || emails.includes(email.toLowerCase());
const authorized = (groups) =>
  options.allowed_groups.length === 0 || groups.some((group) => options.allowed_groups.includes(group));

const cipher = `aes-${key.length * 8}-gcm`;
function seal(value) {
  const nonce = randomBytes(12);
  const sealing = createCipheriv(cipher, key, nonce);
  const sealed = Buffer.concat([sealing.update(JSON.stringify(value)), sealing.final()]);
  return Buffer.concat([nonce, sealing.getAuthTag(), sealed]).toString('base64url');
}
function unseal(text) {
  try {
    const bytes = Buffer.from(text, 'base64url');
    const opening = createDecipheriv(cipher, key, bytes.subarray(0, 12), { authTagLength: 16 });
    opening.setAuthTag(bytes.subarray(12, 28));
    return JSON.parse(Buffer.concat([opening.update(bytes.subarray(28)), opening.final()]).toString());
  } catch {
    return undefined;
  }
}

const [, hours] = /^(\d+)h$/.exec(options.cookie_expire) ?? fail('cookie_expire: hours, please');
const lifetime = Number(hours) * 3600;
const cookie = (name, value, seconds) =>
  [
    `${name}=${value}`,
    'Path=/',
    `Max-Age=${seconds}`,
    'HttpOnly',
    ...(options.cookie_secure ? ['Secure'] : []),
    ...(options.cookie_samesite ? [`SameSite=${options.cookie_samesite}`] : []),
  ].join('; ');
const cookieOf = (request, name) =>
  request.headers.cookie
    ?.split('; ')
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1);

async function metadata() {
  if (!options.skip_oidc_discovery)
    return (
      await openid.discovery(new URL(options.oidc_issuer_url), options.client_id, options.client_secret)
    ).serverMetadata();
  return {
    issuer: options.oidc_issuer_url,
    authorization_endpoint: options.login_url,
    token_endpoint: options.redeem_url,
    jwks_uri: options.oidc_jwks_url,
  };
}
const provider = new openid.Configuration(
  await metadata(),
  options.client_id,
  {},
  openid.ClientSecretBasic(options.client_secret),
);
openid.allowInsecureRequests(provider);
// The signature of an id token is looked at, however it came.
openid.enableNonRepudiationChecks(provider);

/** What a browser called this host; only a proxy's word is asked. */
function origin(request) {
  const host = (options.reverse_proxy && request.headers['x-forwarded-host']) || request.headers.host;
  const scheme = (options.reverse_proxy && request.headers['x-forwarded-proto']) || 'http';
  return `${options.cookie_secure ? 'https' : scheme}://${host}`;
}

/** A path of this host, or the front page. */
const inside = (path) =>
  /^\/(?![/\\])[^\s\\]*$/.test(path ?? '') && !path.startsWith('/oauth2/') ? path : '/';

function sessionOf(request) {
  const session = unseal(cookieOf(request, '_oauth2_proxy') ?? '');
  if (!session || session.until < Date.now()) return undefined;
  return admitted(session.email) && authorized(session.groups) ? session : undefined;
}

const routes = {
  '/ping': (_request, answer) => answer.end('OK'),

  '/oauth2/auth': (request, answer) => {
    const session = sessionOf(request);
    if (!session) return answer.writeHead(401).end('Unauthorized\n');
    if (options.set_xauthrequest) {
      answer.setHeader('X-Auth-Request-User', session.user);
      answer.setHeader('X-Auth-Request-Email', session.email);
      if (session.name) answer.setHeader('X-Auth-Request-Preferred-Username', session.name);
      if (session.groups.length) answer.setHeader('X-Auth-Request-Groups', session.groups.join(','));
    }
    return answer.writeHead(202).end();
  },

  '/oauth2/start': async (request, answer, url) => {
    const verifier = openid.randomPKCECodeVerifier();
    const csrf = {
      state: openid.randomState(),
      nonce: openid.randomNonce(),
      verifier,
      back: inside(url.searchParams.get('rd') ?? request.headers['x-auth-request-redirect']),
    };
    const to = openid.buildAuthorizationUrl(provider, {
      redirect_uri: `${origin(request)}/oauth2/callback`,
      scope: options.scope,
      state: csrf.state,
      nonce: csrf.nonce,
      ...(options.code_challenge_method && {
        code_challenge: await openid.calculatePKCECodeChallenge(verifier),
        code_challenge_method: options.code_challenge_method,
      }),
    });
    answer.setHeader('Set-Cookie', cookie('_oauth2_proxy_csrf', seal(csrf), 900));
    answer.setHeader('Cache-Control', 'no-cache, no-store, must-revalidate, max-age=0');
    answer.writeHead(302, { Location: to.href }).end();
  },

  '/oauth2/callback': async (request, answer, url) => {
    const csrf = unseal(cookieOf(request, '_oauth2_proxy_csrf') ?? '');
    if (!csrf)
      return answer.writeHead(403).end('Login Failed: Unable to find a valid CSRF token. Please try again.');
    const tokens = await openid.authorizationCodeGrant(
      provider,
      new URL(origin(request) + url.pathname + url.search),
      {
        expectedState: csrf.state,
        expectedNonce: csrf.nonce,
        idTokenExpected: true,
        ...(options.code_challenge_method && { pkceCodeVerifier: csrf.verifier }),
      },
    );
    const claims = tokens.claims();
    const session = {
      user: claims.sub,
      email: String(claims[options.oidc_email_claim] ?? ''),
      name: claims.preferred_username,
      groups: claims.groups ?? [],
      until: Date.now() + lifetime * 1000,
    };
    if (options.oidc_email_claim === 'email' && claims.email_verified === false)
      throw new Error('email is not verified');
    if (!session.email || !admitted(session.email) || !authorized(session.groups))
      return answer.writeHead(403).end('Invalid session: unauthorized');
    answer.setHeader('Set-Cookie', [
      cookie('_oauth2_proxy', seal(session), lifetime),
      cookie('_oauth2_proxy_csrf', '', 0),
    ]);
    return answer.writeHead(302, { Location: csrf.back }).end();
  },

  '/oauth2/sign_out': (_request, answer, url) => {
    answer.setHeader('Set-Cookie', cookie('_oauth2_proxy', '', 0));
    answer.writeHead(302, { Location: inside(url.searchParams.get('rd')) }).end();
  },
};

const [, address, port] = /^(.*):(\d+)$/.exec(options.http_address);
createServer((request, answer) => {
  const url = new URL(request.url, 'http://here');
  const route = routes[url.pathname] ?? (() => answer.writeHead(sessionOf(request) ? 202 : 403).end());
  Promise.resolve(route(request, answer, url)).catch((problem) => {
    console.error(`${url.pathname}: ${problem.message}`, problem.cause ?? '');
    if (!answer.headersSent) answer.writeHead(500);
    answer.end('Internal Server Error');
  });
}).listen(Number(port), address);
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
