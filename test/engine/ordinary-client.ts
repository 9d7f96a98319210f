// Asks nginx for ordinary things for a number of seconds, one after the other, and prints what came of them as JSON.
//   node ordinary-client.js ADDRESS HOST SECONDS
import { request } from 'node:http';

const [, , address = '', host = '', seconds = ''] = process.argv;

/** Status of a request, or the error. */
function ask(method: string, path: string, body?: Buffer): Promise<string> {
  return new Promise((done) => {
    const asked = request({
      host: address,
      method,
      path,
      agent: false,
      timeout: 10_000,
      headers: { Host: host, ...(body && { 'Content-Length': String(body.length) }) },
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer for ten seconds')));
    asked.on('error', (error) => done(error.message));
    asked.on('response', (answer) => {
      answer.resume();
      answer.on('error', (error) => done(error.message));
      answer.on('end', () => done(String(answer.statusCode)));
    });
    asked.end(body);
  });
}

const counts: Record<string, number> = {};
let slowest = 0;
const end = Date.now() + Number(seconds) * 1000;
for (let count = 0; Date.now() < end; count += 1) {
  const start = Date.now();
  // Small and middle answers; and an upload that is kept in a file.
  const kind = count % 10;
  const outcome =
    kind === 9
      ? `PUT ${await ask('PUT', '/depot/put', Buffer.alloc(2 * 1024 * 1024))}`
      : kind === 4
        ? `middle ${await ask('GET', '/depot/middle')}`
        : `small ${await ask('GET', '/depot/small')}`;
  counts[outcome] = (counts[outcome] ?? 0) + 1;
  slowest = Math.max(slowest, Date.now() - start);
}
console.log(JSON.stringify({ counts, slowest }));
