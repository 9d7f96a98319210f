import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { run } from '../run.js';
import { localNginx } from './lint.js';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A real nginx with an emitted configuration. Services are where `upstream` says; ports are free ones. */
export class FrontDoor {
  private constructor(
    private readonly nginx: ChildProcess,
    readonly port: number,
    private readonly tls: boolean,
    private readonly folder: string,
  ) {
    nginx.stderr?.on('data', (chunk: Buffer) => (this.messages += chunk.toString('latin1')));
  }

  /** What nginx has said besides its access log. */
  messages = '';

  /** The access log. */
  log(): string {
    return readFileSync(join(this.folder, 'access.log'), 'utf8');
  }

  static async open(
    repository: string,
    tls: boolean,
    upstream: (service: string) => string,
    password: string,
  ): Promise<FrontDoor> {
    const { folder, main } = localNginx(repository);
    const [http, https, health] = [await freePort(), await freePort(), await freePort()];
    const hash = run('openssl', ['passwd', '-apr1', '-stdin'], { input: `${password}\n` }).stdout;
    writeFileSync(join(folder, 'basic'), `gis:${hash}`);
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.conf'),
    )) {
      const file = join(folder, name);
      const text = readFileSync(file, 'utf8')
        .replace(/^ *listen \[::\].*\n/gm, '')
        .replaceAll('127.0.0.1:8080', `127.0.0.1:${health}`)
        .replace(/listen 80\b/g, `listen 127.0.0.1:${http}`)
        .replace(/listen 443\b/g, `listen 127.0.0.1:${https}`)
        .replace('/run/osgs-basic', join(folder, 'basic'))
        .replaceAll('/srv/portal', join(repository, 'site'))
        .replace(
          /^( *server) (\S+) resolve;/gm,
          (_all, server: string, where: string) => `${server} ${upstream(where)};`,
        );
      writeFileSync(file, text);
    }
    const nginx = spawn('nginx', ['-c', main, '-e', 'stderr', '-g', 'daemon off;'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const door = new FrontDoor(nginx, tls ? https : http, tls, folder);
    for (let tries = 0; ; tries += 1) {
      try {
        await door.ask('nobody.example.org', '/').catch((error: Error & { code?: string }) => {
          if (error.code === 'ECONNREFUSED') throw error;
        });
        return door;
      } catch (error) {
        // A machine with other work to do takes its time.
        if (tries > 600 || nginx.exitCode !== null)
          throw new Error(`nginx does not answer: ${door.messages}`, { cause: error });
        await new Promise((done) => setTimeout(done, 50));
      }
    }
  }

  /** One request. `body` is sent whole, or announced only where it is a number of bytes. */
  ask(
    host: string,
    path: string,
    {
      method = 'GET',
      headers = {},
      body,
      patience = 10_000,
    }: { method?: string; headers?: Record<string, string>; body?: Buffer | number; patience?: number } = {},
  ): Promise<Answer> {
    return new Promise((done, fail) => {
      const send = this.tls ? httpsRequest : httpRequest;
      const length = typeof body === 'number' ? body : body?.length;
      const request = send({
        host: '127.0.0.1',
        port: this.port,
        path,
        method,
        setHost: false,
        servername: host,
        rejectUnauthorized: false,
        agent: false,
        headers: {
          Host: host,
          ...(length === undefined ? {} : { 'Content-Length': String(length) }),
          ...headers,
        },
      });
      request.on('error', fail);
      request.on('upgrade', (response, socket) => {
        socket.destroy();
        done({ status: response.statusCode ?? 0, headers: response.headers, body: '' });
      });
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          done({ status: response.statusCode ?? 0, headers: response.headers, body: text });
          request.destroy();
        });
      });
      if (typeof body === 'number') {
        request.flushHeaders();
        setTimeout(() => {
          done({ status: 0, headers: {}, body: 'nginx waits for the body' });
          request.destroy();
        }, patience);
      } else request.end(body);
    });
  }

  close(): void {
    this.nginx.kill('SIGTERM');
  }
}
