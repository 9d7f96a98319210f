import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../catalog/load.js';

/** What visitors do. */
export interface LoadOrder {
  /** Of nginx on this host. */
  port: number;
  /** The certificate of the authority that is trusted. */
  ca?: string;
  targets: { name: string; url: string }[];
  /** How many ask for each target at the same time, each on a connection that stays open. */
  visitors: number;
  /** Between two requests of one visitor, in milliseconds. */
  pause: number;
  /** Requests in all. */
  limit: number;
  /** Where the tally is written. */
  file: string;
}

/** What came of the requests for one target: how often, and when it became another. */
export interface Tally {
  counts: Record<string, number>;
  changes: { at: number; outcome: string }[];
}

/** In one word: `200`, `502 page` where nginx sent the decent page, `error ECONNRESET` where there was no answer. */
export function outcomeOf(status: number, body: string): string {
  return body.includes('Back in a moment') ? `${status} page` : String(status);
}

const under = new Set<Load>();

/** Visitors, in a process of their own. */
export class Load {
  private readonly child: ChildProcess;
  private readonly exit: Promise<void>;

  constructor(private readonly order: LoadOrder) {
    rmSync(order.file, { force: true });
    this.child = spawn(
      process.execPath,
      [join(packageRoot(), 'dist/test/engine/load-program.js'), JSON.stringify(order)],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    under.add(this);
    this.exit = new Promise((done) =>
      this.child.once('exit', () => {
        under.delete(this);
        done();
      }),
    );
  }

  private read(): { asked: number; tallies: Record<string, Tally> } {
    if (!existsSync(this.order.file)) return { asked: 0, tallies: {} };
    return JSON.parse(readFileSync(this.order.file, 'utf8')) as {
      asked: number;
      tallies: Record<string, Tally>;
    };
  }

  /** How many requests were made so far. */
  asked(): number {
    return this.read().asked;
  }

  /** What came of a target's requests since a moment: every outcome, and the one of now. */
  since(name: string, moment: number): { outcomes: string[]; now: string } {
    const changes = this.read().tallies[name]?.changes ?? [];
    const before = changes.filter(({ at }) => at < moment).at(-1);
    const after = changes.filter(({ at }) => at >= moment);
    const outcomes = [...(before ? [before.outcome] : []), ...after.map(({ outcome }) => outcome)];
    return { outcomes: [...new Set(outcomes)].sort(), now: changes.at(-1)?.outcome ?? '' };
  }

  /** How often each outcome was, target by target. */
  counts(): Record<string, Record<string, number>> {
    return Object.fromEntries(
      Object.entries(this.read().tallies).map(([name, { counts }]) => [name, counts]),
    );
  }

  /** Ends it; or waits, where the visitors were told how many requests to make. */
  async stop(how: 'now' | 'when done' = 'now'): Promise<void> {
    if (how === 'now') this.child.kill('SIGTERM');
    await this.exit;
  }

  /** Ends all that run still, after a test that failed. */
  static async stopAll(): Promise<void> {
    await Promise.all([...under].map((load) => load.stop()));
  }
}
