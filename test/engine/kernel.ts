import { randomBytes } from 'node:crypto';
import { request, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';

/** Where a notebook server is, and as what a browser comes to it. */
export interface Notebooks {
  /** Of nginx on this host. */
  port: number;
  /** As a browser says it: name and port. */
  host: string;
  /** With a slash at its end. */
  path: string;
  token: string;
}

/** What the kernel said while it ran one cell. */
export interface Outcome {
  status: string;
  output: string;
}

/** One text frame of a client, masked as the protocol wants it. */
function frame(text: string): Buffer {
  const body = Buffer.from(text);
  const mask = randomBytes(4);
  const head = Buffer.from([0x81, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(body.length, 6);
  return Buffer.concat([head, mask, body.map((byte, at) => byte ^ (mask[at % 4] ?? 0))]);
}

/** Takes whole frames off what has come; gives the texts and what is left. */
function frames(come: Buffer): { texts: string[]; left: Buffer } {
  const texts: string[] = [];
  let left = come;
  while (left.length >= 2) {
    const short = (left[1] ?? 0) & 127;
    const start = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (left.length < start) break;
    const size = short === 127 ? left.readUInt32BE(6) : short === 126 ? left.readUInt16BE(2) : short;
    if (left.length < start + size) break;
    if (((left[0] ?? 0) & 15) === 1) texts.push(left.toString('utf8', start, start + size));
    left = left.subarray(start + size);
  }
  return { texts, left };
}

function ask(
  { port, host, path }: Notebooks,
  what: string,
  headers: OutgoingHttpHeaders,
  method = 'GET',
): Promise<{ answer: IncomingMessage; socket?: Socket; first?: Buffer }> {
  return new Promise((resolve, reject) => {
    const asked = request({
      port,
      host: '127.0.0.1',
      path: path + what,
      method,
      headers: { Host: host, ...headers },
      timeout: 30_000,
    });
    asked.on('response', (answer) => resolve({ answer }));
    asked.on('upgrade', (answer, socket, first) => resolve({ answer, socket: socket, first }));
    asked.on('timeout', () => asked.destroy(new Error(`${what}: no answer`)));
    asked.on('error', reject);
    asked.end();
  });
}

/** Starts a kernel and gives its id. */
export async function startKernel(notebooks: Notebooks): Promise<string> {
  const { answer } = await ask(
    notebooks,
    'api/kernels',
    { Authorization: `token ${notebooks.token}` },
    'POST',
  );
  let body = '';
  for await (const part of answer) body += String(part);
  if (answer.statusCode !== 201) throw new Error(`no kernel: ${answer.statusCode ?? ''} ${body}`);
  return (JSON.parse(body) as { id: string }).id;
}

/** The way to a kernel, opened as a page at `origin` does it: the connection, or the status of the refusal. */
async function open(notebooks: Notebooks, kernel: string, origin: string): Promise<Socket | number> {
  const { answer, socket } = await ask(notebooks, `api/kernels/${kernel}/channels`, {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    Origin: origin,
    ...(notebooks.token && { Authorization: `token ${notebooks.token}` }),
  });
  answer.resume();
  return socket ?? answer.statusCode ?? 0;
}

/** What becomes of an attempt to reach a kernel from a page at `origin`. */
export async function knock(notebooks: Notebooks, kernel: string, origin: string): Promise<number> {
  const got = await open(notebooks, kernel, origin);
  if (typeof got === 'number') return got;
  got.destroy();
  return 101;
}

interface Message {
  msg_type: string;
  parent_header: { msg_id?: string };
  content: {
    text?: string;
    data?: Record<string, string>;
    evalue?: string;
    status?: string;
    execution_state?: string;
  };
}

/** Runs cells one after the other through the kernel's websocket; stops at the first that fails. */
export async function runCells(notebooks: Notebooks, kernel: string, cells: string[]): Promise<Outcome[]> {
  const socket = await open(notebooks, kernel, `http://${notebooks.host}`);
  if (typeof socket === 'number') throw new Error(`no websocket: ${socket}`);
  const outcomes: Outcome[] = [];
  try {
    for (const [index, code] of cells.entries()) {
      outcomes.push(await runCell(socket, `cell-${index}`, code));
      if (outcomes.at(-1)?.status !== 'ok') break;
    }
  } finally {
    socket.destroy();
  }
  return outcomes;
}

function runCell(socket: Socket, id: string, code: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const outcome: Outcome = { status: '', output: '' };
    let come: Buffer = Buffer.alloc(0);
    let idle = false;
    const end = (settle: () => void): void => {
      clearTimeout(patience);
      socket.off('data', hear).off('close', closed);
      settle();
    };
    const patience = setTimeout(() => {
      end(() => {
        reject(new Error(`${id}: no end after a minute: ${outcome.output}`));
      });
    }, 60_000);
    const closed = (): void => {
      end(() => {
        reject(new Error(`${id}: the connection was closed`));
      });
    };
    const hear = (data: Buffer): void => {
      const { texts, left } = frames(Buffer.concat([come, data]));
      come = left;
      for (const text of texts) {
        const { msg_type, parent_header, content } = JSON.parse(text) as Message;
        if (parent_header.msg_id !== id) continue;
        outcome.output += content.text ?? content.evalue ?? Object.keys(content.data ?? {}).join(' ');
        outcome.output += content.data?.['text/plain'] ?? '';
        if (msg_type === 'execute_reply') outcome.status = content.status ?? '';
        if (content.execution_state === 'idle') idle = true;
      }
      if (idle && outcome.status !== '')
        end(() => {
          resolve(outcome);
        });
    };
    socket.on('data', hear).on('close', closed);
    const header = { msg_id: id, msg_type: 'execute_request', session: 'test', username: '', version: '5.3' };
    const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false };
    socket.write(
      frame(
        JSON.stringify({ channel: 'shell', header, parent_header: {}, metadata: {}, content, buffers: [] }),
      ),
    );
  });
}
