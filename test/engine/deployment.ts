import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { emptyFolder, run, type Ran } from '../run.js';

const patience = 600_000;

/** A stack that runs on the real engine, seen from its folder. */
export class Deployment {
  readonly folder: string;

  constructor(name: string) {
    this.folder = join(emptyFolder(), name);
  }

  /** A file beside the repository, which is no part of it. */
  beside(name: string): string {
    return join(this.folder, '..', name);
  }

  run(program: string, args: string[], input?: string): Ran {
    return run(program, args, {
      cwd: this.folder,
      timeout: patience,
      ...(input === undefined ? {} : { input }),
    });
  }

  make(...args: string[]): Ran {
    return this.run('make', ['-s', ...args]);
  }

  /** `make` that must succeed. Throws with its last words where it does not. */
  must(...args: string[]): Ran {
    const ran = this.make(...args);
    if (ran.code !== 0)
      throw new Error(`make ${args.join(' ')}: ${ran.stdout.slice(-3000)}${ran.stderr.slice(-3000)}`);
    return ran;
  }

  /** What `docker` prints. Throws where it fails. */
  docker(...args: string[]): string {
    const ran = this.run('docker', args);
    if (ran.code !== 0) throw new Error(`docker ${args.join(' ')}: ${ran.stderr}`);
    return ran.stdout.trim();
  }

  /** A command in a container that runs. */
  inside(service: string, command: string[], input?: string): Ran {
    return this.run('docker', ['compose', 'exec', '-T', service, ...command], input);
  }

  secret(variable: string): string {
    const env = readFileSync(join(this.folder, '.env'), 'utf8');
    return new RegExp(`^${variable}=(.*)$`, 'm').exec(env)?.[1] ?? '';
  }

  /** Takes all of it away, the data too. */
  remove(): void {
    this.run('docker', ['compose', 'down', '-v', '--remove-orphans']);
  }
}
