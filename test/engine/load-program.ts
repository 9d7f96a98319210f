// Asks nginx for addresses over and over, until it is ended or has asked often enough. Writes what came of it into a file
// every moment, because the test that started it stands still while it waits for Docker.
//   node load-program.js '{"port": 8300, "file": ..., "targets": [{"name": ..., "url": ...}], ...}'
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Agent as HttpAgent, get as httpGet, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, get as httpsGet } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { outcomeOf, type LoadOrder, type Tally } from './load.js';

const order = JSON.parse(process.argv[2] ?? '') as LoadOrder;
const tallies: Record<string, Tally> = {};
const ca = order.ca === undefined ? undefined : readFileSync(order.ca);
let asked = 0;
let ended = false;

function note(name: string, outcome: string): void {
  const tally = (tallies[name] ??= { counts: {}, changes: [] });
  tally.counts[outcome] = (tally.counts[outcome] ?? 0) + 1;
  if (tally.changes.at(-1)?.outcome !== outcome && tally.changes.length < 2000)
    tally.changes.push({ at: Date.now(), outcome });
}

/** One request. No second try on another connection, as a browser has: what is lost is counted. */
function ask(address: string, agent: HttpAgent | HttpsAgent): Promise<string> {
  return new Promise((done) => {
    const url = new URL(address);
    const tls = url.protocol === 'https:';
    const options = {
      host: '127.0.0.1',
      port: order.port,
      path: url.pathname + url.search,
      headers: { Host: url.host },
      agent,
      timeout: 60_000,
    };
    const heard = (answer: IncomingMessage): void => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('error', (error: Error & { code?: string }) => {
        done(`error ${error.code ?? error.message} in the middle`);
      });
      answer.on('end', () => {
        done(outcomeOf(answer.statusCode ?? 0, Buffer.concat(parts).toString('latin1')));
      });
    };
    const request = tls
      ? httpsGet({ ...options, servername: url.hostname, ca }, heard)
      : httpGet(options, heard);
    request.on('timeout', () => request.destroy(new Error('no answer for a minute')));
    request.on('error', (error: Error & { code?: string }) => {
      done(`error ${error.code ?? error.message}`);
    });
  });
}

async function visitor(name: string, url: string): Promise<void> {
  const options = { keepAlive: true, maxSockets: 1 };
  const agent = url.startsWith('https:') ? new HttpsAgent(options) : new HttpAgent(options);
  while (!ended && asked < order.limit) {
    asked += 1;
    note(name, await ask(url, agent));
    if (order.pause > 0) await sleep(order.pause);
  }
  agent.destroy();
}

function write(): void {
  writeFileSync(`${order.file}.new`, JSON.stringify({ asked, tallies }));
  renameSync(`${order.file}.new`, order.file);
}

process.on('SIGTERM', () => {
  ended = true;
});
const clock = setInterval(write, 100);
await Promise.all(
  order.targets.flatMap(({ name, url }) => Array.from({ length: order.visitors }, () => visitor(name, url))),
);
clearInterval(clock);
write();
