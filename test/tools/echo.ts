import { createServer, type IncomingMessage, type Server } from 'node:http';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net';

/** What a service behind nginx received. */
export interface Received {
  method: string;
  /** Path and query. */
  url: string;
  /** HTTP headers by lower-case name, or FastCGI parameters by name. */
  headers: Record<string, string | string[] | undefined>;
  bytes: number;
}

async function listen(server: Server | TcpServer): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

/**
 * An HTTP service that answers with what it received. It takes websocket upgrades, and its `/verify` lets a request pass
 * that has the cookie `session=yes`; its sign-in redirects to a login that is told where to come back to.
 */
export async function startEcho(
  verify: string,
  signIn: string,
): Promise<{ port: number; connections: () => number; close: () => void }> {
  const tell = (request: IncomingMessage, bytes: number): string =>
    JSON.stringify({ method: request.method, url: request.url, headers: request.headers, bytes });
  const server = createServer((request, response) => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.on('end', () => {
      if (request.url === verify) {
        const known = request.headers.cookie?.includes('session=yes');
        response.writeHead(
          known ? 202 : 401,
          known ? { 'X-Auth-Request-User': 'ada', 'X-Auth-Request-Email': 'ada@example.org' } : {},
        );
        response.end();
        return;
      }
      if (request.url === signIn) {
        response.writeHead(302, {
          Location: `https://login.example.net/?back=${String(request.headers['x-auth-request-redirect'])}`,
        });
        response.end();
        return;
      }
      // A test says what the answer is: ?type=image/png&status=500&cookie=6000
      const asked = new URL(request.url ?? '/', 'http://echo').searchParams;
      response.statusCode = Number(asked.get('status') ?? 200);
      response.setHeader('Content-Type', asked.get('type') ?? 'application/json');
      const frame = asked.get('frame');
      if (frame) response.setHeader('X-Frame-Options', frame);
      const policy = asked.get('csp');
      if (policy) response.setHeader('Content-Security-Policy', policy);
      const cookie = Number(asked.get('cookie') ?? 0);
      const flags = asked.has('flags') ? `; ${asked.get('flags') ?? ''}` : '';
      if (cookie) response.setHeader('Set-Cookie', `session=${'x'.repeat(cookie)}${flags}`);
      setTimeout(() => response.end(tell(request, bytes)), Number(asked.get('wait') ?? 0));
    });
  });
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    socket.end(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Url: ${request.url ?? ''}\r\n\r\n`,
    );
  });
  let opened = 0;
  server.on('connection', () => (opened += 1));
  const port = await listen(server);
  return { port, connections: () => opened, close: () => void server.close() };
}

const record = (type: number, id: number, content: Buffer): Buffer => {
  const head = Buffer.from([1, type, id >> 8, id & 255, content.length >> 8, content.length & 255, 0, 0]);
  return Buffer.concat([head, content]);
};

/** A FastCGI responder that answers with the parameters that it received (FastCGI 1.0, sections 3.3 and 3.4). */
export async function startFastcgi(): Promise<{ port: number; close: () => void }> {
  const server = createTcpServer((socket) => {
    let input = Buffer.alloc(0);
    let params = Buffer.alloc(0);
    let bytes = 0;
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      input = Buffer.concat([input, chunk]);
      while (input.length >= 8) {
        const length = input.readUInt16BE(4);
        const end = 8 + length + input.readUInt8(6);
        if (input.length < end) return;
        const type = input.readUInt8(1);
        const id = input.readUInt16BE(2);
        const content = input.subarray(8, 8 + length);
        input = input.subarray(end);
        if (type === 4) params = Buffer.concat([params, content]);
        if (type === 5) bytes += length;
        if (type === 5 && length === 0) {
          const headers = readParams(params);
          const received: Received = {
            method: headers.REQUEST_METHOD ?? '',
            url: headers.REQUEST_URI ?? '',
            headers,
            bytes,
          };
          const body = `Content-Type: application/json\r\n\r\n${JSON.stringify(received)}`;
          socket.end(
            Buffer.concat([
              record(6, id, Buffer.from(body)),
              record(6, id, Buffer.alloc(0)),
              record(3, id, Buffer.alloc(8)),
            ]),
          );
        }
      }
    });
  });
  const port = await listen(server);
  return { port, close: () => void server.close() };
}

function readParams(buffer: Buffer): Record<string, string> {
  const params: Record<string, string> = {};
  let at = 0;
  const size = (): number => {
    const short = buffer.readUInt8(at);
    if (short < 128) {
      at += 1;
      return short;
    }
    const long = buffer.readUInt32BE(at) & 0x7fffffff;
    at += 4;
    return long;
  };
  while (at < buffer.length) {
    const name = size();
    const value = size();
    params[buffer.toString('utf8', at, at + name)] = buffer.toString('utf8', at + name, at + name + value);
    at += name + value;
  }
  return params;
}
