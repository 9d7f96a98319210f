// Keycloak's addresses for one imported realm (keycloak/keycloak:docs/guides/server), and oidc-provider behind them. People,
// clients and sessions are in memory.
import { randomBytes, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const env = process.env;
const base = (env.KC_HTTP_RELATIVE_PATH ?? '/').replace(/\/$/, '');
const folder = '/opt/keycloak/data/import';
const [file] = process.argv.includes('--import-realm') ? readdirSync(folder) : [];
if (!file) throw new Error('no realm to import');
// Placeholders are filled in as the import does it.
const realm = JSON.parse(
  readFileSync(`${folder}/${file}`, 'utf8').replace(/\$\{(\w+)\}/g, (_all, name) =>
    JSON.stringify(env[name] ?? '').slice(1, -1),
  ),
);
const withIds = (list) => new Map((list ?? []).map((item) => [randomUUID(), item]));
const clients = withIds(realm.clients);
const users = withIds(realm.users);
const inRealm = `${base}/realms/${realm.realm}`;

const clientNamed = (name) =>
  [...clients.values()].find(({ clientId, enabled }) => clientId === name && enabled);
function clientMetadata(name) {
  const client = clientNamed(name);
  if (!client) return undefined;
  return {
    client_id: name,
    client_secret: client.secret,
    redirect_uris: client.redirectUris ?? [],
    response_types: client.standardFlowEnabled ? ['code'] : [],
    grant_types: [
      ...(client.standardFlowEnabled ? ['authorization_code'] : []),
      ...(client.serviceAccountsEnabled ? ['client_credentials'] : []),
    ],
    // Keycloak takes either; the set-up speaks the one and other clients the other.
    token_endpoint_auth_method: client.serviceAccountsEnabled ? 'client_secret_post' : 'client_secret_basic',
  };
}

const kept = new Map();
class Store {
  constructor(kind) {
    this.kind = kind;
  }
  key(id) {
    return `${this.kind}:${id}`;
  }
  async find(id) {
    return this.kind === 'Client' ? clientMetadata(id) : kept.get(this.key(id));
  }
  async findByUid(uid) {
    return [...kept].find(([key, value]) => key.startsWith(`${this.kind}:`) && value.uid === uid)?.[1];
  }
  async findByUserCode() {}
  async upsert(id, payload) {
    kept.set(this.key(id), payload);
  }
  async consume(id) {
    kept.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) {
    kept.delete(this.key(id));
  }
  async revokeByGrantId(grantId) {
    for (const [key, value] of kept) if (value.grantId === grantId) kept.delete(key);
  }
}

const provider = new Provider(`${env.KC_HOSTNAME}/realms/${realm.realm}`, {
  adapter: Store,
  cookies: { keys: [randomBytes(32).toString('hex')] },
  clientBasedCORS: () => false,
  conformIdTokenClaims: false,
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['preferred_username', 'groups'] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
  },
  findAccount: (_context, id) => {
    const user = users.get(id);
    return (
      user && {
        accountId: id,
        claims: () => ({
          sub: id,
          email: user.email,
          email_verified: false,
          preferred_username: user.username,
          groups: [],
        }),
      }
    );
  },
  interactions: { url: (_context, { uid }) => `${inRealm}/login-actions/authenticate?session_code=${uid}` },
  // Nobody is asked for consent, as for Keycloak's own clients.
  loadExistingGrant: async (context) => {
    const { client, session, params } = context.oidc;
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope(params.scope);
    await grant.save();
    return grant;
  },
  pkce: { required: () => false },
  routes: {
    authorization: '/protocol/openid-connect/auth',
    token: '/protocol/openid-connect/token',
    jwks: '/protocol/openid-connect/certs',
    userinfo: '/protocol/openid-connect/userinfo',
    end_session: '/protocol/openid-connect/logout',
  },
});
provider.proxy = env.KC_PROXY_HEADERS === 'xforwarded';
for (const event of ['authorization.error', 'grant.error', 'server_error'])
  provider.on(event, (_context, problem) =>
    console.error(event, problem.message, problem.error_description ?? '', problem.error_detail ?? ''),
  );

async function bodyOf(request) {
  let body = '';
  for await (const part of request) body += part;
  return body;
}
function json(answer, status, value) {
  answer.writeHead(status, { 'Content-Type': 'application/json' });
  answer.end(value === undefined ? '' : JSON.stringify(value));
}

const page = (
  action,
  message,
) => `<!doctype html><title>Sign in to ${realm.displayName ?? realm.realm}</title><p>${message}</p>
<form id="kc-form-login" action="${action}" method="post">
<input name="username"><input name="password" type="password"><button>Sign In</button></form>`;

async function login(request, answer) {
  // Fails where there is no such login under way in this browser.
  await provider.interactionDetails(request, answer);
  let message = '';
  if (request.method === 'POST') {
    const form = new URLSearchParams(await bodyOf(request));
    const found = [...users].find(([, { username }]) => username === form.get('username'));
    if (found?.[1].enabled && found[1].password && found[1].password === form.get('password'))
      return provider.interactionFinished(request, answer, { login: { accountId: found[0] } });
    message = 'Invalid username or password.';
  }
  answer.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
  return answer.end(page(`${env.KC_HOSTNAME}${request.url.slice(base.length)}`, message));
}

const admins = new Set();
/** The realm master knows its first administrator and nobody else. */
async function masterToken(request, answer) {
  const form = new URLSearchParams(await bodyOf(request));
  if (
    form.get('grant_type') !== 'password' ||
    form.get('username') !== env.KC_BOOTSTRAP_ADMIN_USERNAME ||
    form.get('password') !== env.KC_BOOTSTRAP_ADMIN_PASSWORD
  )
    return json(answer, 401, { error: 'invalid_grant', error_description: 'Invalid user credentials' });
  const token = randomUUID();
  admins.add(token);
  return json(answer, 200, { access_token: token });
}

/** What the bearer of a token may do: anything, or what the service account of its client may. */
async function rolesOf(request) {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  if (admins.has(token)) return ['manage-clients', 'view-clients', 'manage-users'];
  const client = (await provider.ClientCredentials.find(token))?.clientId;
  const account = [...users.values()].find(
    ({ serviceAccountClientId }) => client && serviceAccountClientId === client,
  );
  return account?.clientRoles['realm-management'] ?? [];
}

async function administer(request, answer, url) {
  const [kind, id, action] = url.pathname.slice(`${base}/admin/realms/${realm.realm}/`.length).split('/');
  const list = { clients, users }[kind];
  if (!list) return json(answer, 404, { error: 'not here' });
  const roles = await rolesOf(request);
  if (!roles.includes(`manage-${kind}`)) return json(answer, 403, { error: 'HTTP 403 Forbidden' });
  const given = request.method === 'GET' ? undefined : JSON.parse(await bodyOf(request));
  if (id && !list.has(id)) return json(answer, 404, { error: 'not found' });
  if (request.method === 'GET') {
    const all = [...list].map(([key, item]) => ({ id: key, ...item }));
    if (id)
      return json(
        answer,
        200,
        all.find((item) => item.id === id),
      );
    return json(
      answer,
      200,
      all.filter((item) => [...url.searchParams].every(([name, value]) => item[name] === value)),
    );
  }
  if (request.method === 'POST') {
    list.set(randomUUID(), { ...given, enabled: String(given.enabled) === 'true' });
    return json(answer, 201);
  }
  if (action === 'reset-password') list.get(id).password = given.value;
  else list.set(id, { ...list.get(id), ...given });
  return json(answer, 204);
}

createServer((request, answer) => {
  const url = new URL(request.url, 'http://here');
  const route = async () => {
    if (url.pathname === `${base}/realms/master/protocol/openid-connect/token`)
      return masterToken(request, answer);
    if (url.pathname === `${inRealm}/login-actions/authenticate`) return login(request, answer);
    if (url.pathname.startsWith(`${base}/admin/realms/${realm.realm}/`))
      return administer(request, answer, url);
    if (!url.pathname.startsWith(`${inRealm}/`)) return json(answer, 404, { error: 'not found' });
    request.originalUrl = request.url;
    request.url = request.url.slice(inRealm.length);
    return provider.callback()(request, answer);
  };
  route().catch((problem) => {
    console.error(url.pathname, problem);
    if (!answer.headersSent) json(answer, 400, { error: problem.message });
  });
}).listen(8080);
if (env.KC_HEALTH_ENABLED === 'true')
  createServer((request, answer) =>
    json(answer, request.url === '/health/ready' ? 200 : 404, { status: 'UP' }),
  ).listen(9000);
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
