// Uptime Kuma's contract for its first account, with the socket.io that it uses, and nothing else.
// louislam/uptime-kuma:server/server.js: events needSetup, setup and login
import { createServer } from 'node:http';
import { Server } from 'socket.io';

/** Users made before anybody asks, for tests: NAME:PASSWORD. */
const users = (process.env.USERS_BEFORE ?? '')
  .split(',')
  .filter(Boolean)
  .map((user) => {
    const [username, password] = user.split(':');
    return { username, password };
  });

const server = createServer((request, response) => {
  const found = request.url === '/stub/users';
  response.writeHead(200, { 'Content-Type': found ? 'application/json' : 'text/html' });
  response.end(found ? JSON.stringify(users.map(({ username }) => username)) : '<title>Uptime Kuma</title>');
});
const io = new Server(server);
io.on('connection', (socket) => {
  socket.emit('info', { isContainer: true });
  if (users.length === 0) socket.emit('setup');
  socket.on('needSetup', (callback) => callback(users.length === 0));
  socket.on('setup', (username, password, callback) => {
    if (users.length > 0) return callback({ ok: false, msg: 'Uptime Kuma has been initialized.' });
    users.push({ username, password });
    callback({ ok: true, msg: 'successAdded', msgi18n: true });
  });
  socket.on('login', (data, callback) => {
    const known = users.some(
      ({ username, password }) => username === data.username && password === data.password,
    );
    if (known && process.env.TOTP) return callback({ tokenRequired: true });
    callback(known ? { ok: true, token: 'x' } : { ok: false, msg: 'authIncorrectCreds', msgi18n: true });
  });
  socket.emit('loginRequired');
});
server.listen(Number(process.env.PORT ?? 3001), () => console.log('listening'));
