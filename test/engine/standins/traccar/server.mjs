// Traccar's contract for its first account, and nothing else: the first user that anybody makes is the administrator.
// traccar/traccar:src/main/java/org/traccar/api/resource/ServerResource.java, UserResource.java, SessionResource.java
import { createServer } from 'node:http';

/** Users made before anybody asks, for tests: NAME:PASSWORD. */
const users = (process.env.USERS_BEFORE ?? '')
  .split(',')
  .filter(Boolean)
  .map((user, index) => {
    const [email, password] = user.split(':');
    return { email, password, administrator: index === 0 };
  });
let healthy = false;
// Real ones listen long before their health check says so.
setTimeout(() => (healthy = true), Number(process.env.SLOW ?? 4000));

createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => (body += chunk));
  request.on('end', () => {
    const answer = (status, value, headers = {}) => {
      response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
      response.end(value === undefined ? '' : JSON.stringify(value));
    };
    const { pathname } = new URL(request.url, 'http://traccar');
    const what = `${request.method} ${pathname}`;
    if (what === 'GET /api/health') return answer(healthy ? 200 : 503);
    if (what === 'GET /api/server')
      return answer(200, { registration: false, newServer: users.length === 0 });
    if (what === 'GET /stub/users')
      return answer(
        200,
        users.map(({ email }) => email),
      );
    if (what === 'POST /api/users') {
      if (users.length > 0) return answer(400, { message: 'Registration disabled' });
      const { email, password } = JSON.parse(body);
      users.push({ email, password, administrator: true });
      return answer(200, { id: 1, email, administrator: true });
    }
    if (what === 'POST /api/session') {
      const form = new URLSearchParams(body);
      const user = users.find(
        ({ email, password }) => email === form.get('email') && password === form.get('password'),
      );
      if (!user) return answer(401);
      if (process.env.TOTP) return answer(401, undefined, { 'WWW-Authenticate': 'TOTP' });
      return answer(200, { email: user.email, administrator: user.administrator });
    }
    answer(pathname === '/' ? 200 : 404, {});
  });
}).listen(Number(process.env.PORT ?? 8082), () => console.log('listening'));
