// Holds on to nginx with slow clients, all from the address of this container, until it is ended. Whoever is refused or cut
// off comes again.
//   node slow-clients.js ADDRESS HOST
import { connect, type Socket } from 'node:net';

const [, , address = '', host = ''] = process.argv;
const pieces = { every: 2000, size: 1 };
const megabyte = 1024 * 1024;

/** One client that comes again half a second after it was cut off. */
function client(begin: (socket: Socket) => void): void {
  const socket = connect(80, address, () => {
    begin(socket);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => setTimeout(() => client(begin), 500));
}

const head = (method: string, path: string, more = ''): string =>
  `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}`;

function drip(socket: Socket): void {
  const clock = setInterval(() => socket.write('x'.repeat(pieces.size)), pieces.every);
  socket.on('close', () => clearInterval(clock));
}

for (let count = 0; count < 70; count += 1)
  client((socket) => {
    socket.resume();
    socket.write(head('GET', '/depot/small', 'X-Slow: '));
    drip(socket);
  });
for (let count = 0; count < 70; count += 1)
  client((socket) => {
    socket.resume();
    socket.write(head('PUT', '/depot/put', 'Content-Length: 9000\r\n\r\n'));
    drip(socket);
  });
for (let count = 0; count < 60; count += 1)
  client((socket) => {
    // The socket is not read: what the kernel does not take stays with nginx.
    socket.pause();
    socket.write(head('GET', '/depot/large', '\r\n'));
  });
// Uploads whose last kilobyte never comes.
for (let count = 0; count < 50; count += 1)
  client((socket) => {
    socket.resume();
    socket.write(head('PUT', '/depot/put', `Content-Length: ${10 * megabyte}\r\n\r\n`));
    socket.write(Buffer.alloc(10 * megabyte - 1024));
  });
