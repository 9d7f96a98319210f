import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { emptyFolder, run } from '../run.js';
import { environment, starter, tool } from './tools.js';

/** A registry of this machine: verdaccio, with nothing in it but what is published to it, or got through `proxy`. */
export class Registry {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
  ) {}

  static async start(port: number, proxy?: string): Promise<Registry> {
    const folder = emptyFolder();
    const ours = { access: '$all', publish: '$all' };
    const everybody = { ...ours, ...(proxy === undefined ? {} : { proxy: 'npmjs' }) };
    const config = {
      storage: join(folder, 'storage'),
      web: { enable: false },
      ...(proxy === undefined ? {} : { uplinks: { npmjs: { url: proxy, maxage: '1d', timeout: '120s' } } }),
      // What is published here is not asked for elsewhere, which would take a round trip each time.
      packages: { 'create-osgs': ours, '@*/*': everybody, '**': everybody },
      log: { type: 'file', path: join(folder, 'log'), level: 'warn' },
    };
    // JSON is YAML.
    writeFileSync(join(folder, 'config.yaml'), JSON.stringify(config));
    const args = [
      tool('verdaccio/bin/verdaccio'),
      '--config',
      join(folder, 'config.yaml'),
      '--listen',
      `127.0.0.1:${port}`,
    ];
    const child = spawn(process.execPath, args, {
      cwd: folder,
      // It warns of running as root.
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const registry = new Registry(`http://127.0.0.1:${port}/`, child);
    for (let waited = 0; waited < 120_000; waited += 200) {
      if (child.exitCode !== null) throw new Error('the registry ended');
      const answer = await fetch(`${registry.url}-/ping`, { headers: { connection: 'close' } }).catch(
        () => undefined,
      );
      if (answer?.ok) return registry;
      await sleep(200);
    }
    await registry.stop();
    throw new Error('the registry did not answer');
  }

  /** Publishes a tarball. verdaccio asks nobody who he is, npm wants a token all the same. */
  publish(tarball: string): void {
    const folder = emptyFolder();
    const [program = '', ...words] = starter('node-24', 'npm');
    const args = [...words, 'publish', tarball, `--${this.url.slice('http:'.length)}:_authToken=none`];
    const ran = run(program, args, { cwd: folder, env: environment('node-24', folder, this.url) });
    if (ran.code !== 0) throw new Error(ran.stderr);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = new Promise((done) => this.child.once('close', done));
    this.child.kill();
    await ended;
  }
}
