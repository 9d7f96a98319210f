// Metabase's contract for its first account, and nothing else: everybody can read the token of the set-up.
// metabase/metabase:src/metabase/setup_rest/api.clj, src/metabase/session/api.clj
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

/** Users made before anybody asks, for tests: NAME:PASSWORD. */
const users = (process.env.USERS_BEFORE ?? '')
  .split(',')
  .filter(Boolean)
  .map((user) => {
    const [email, password] = user.split(':');
    return { email, password };
  });
let token = users.length > 0 ? null : randomUUID();
let healthy = false;
setTimeout(() => (healthy = true), Number(process.env.SLOW ?? 4000));

createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => (body += chunk));
  request.on('end', () => {
    const answer = (status, value) => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(value ?? {}));
    };
    const { pathname } = new URL(request.url, 'http://metabase');
    const what = `${request.method} ${pathname}`;
    if (what === 'GET /api/health')
      return answer(healthy ? 200 : 503, { status: healthy ? 'ok' : 'initializing' });
    if (what === 'GET /api/session/properties')
      return answer(200, { 'setup-token': token, 'has-user-setup': users.length > 0 });
    if (what === 'GET /stub/users')
      return answer(
        200,
        users.map(({ email }) => email),
      );
    if (what === 'POST /api/setup') {
      const asked = JSON.parse(body);
      if (token === null || asked.token !== token)
        return answer(users.length > 0 ? 403 : 400, { errors: { token: 'no' } });
      users.push({ email: asked.user.email, password: asked.user.password });
      token = null;
      return answer(200, { id: randomUUID() });
    }
    if (what === 'POST /api/session') {
      const asked = JSON.parse(body);
      const known = users.some(
        ({ email, password }) => email === asked.username && password === asked.password,
      );
      return known
        ? answer(200, { id: randomUUID() })
        : answer(401, { errors: { password: 'did not match stored password' } });
    }
    answer(pathname === '/' ? 200 : 404);
  });
}).listen(Number(process.env.PORT ?? 3000), () => console.log('listening'));
