import {
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ProblemError } from '../stack/problem.js';
import { closeLocal, localFolder, openLocal } from './transaction.js';

interface Holder {
  pid: number;
  host: string;
  /** When the process started, as /proc tells it: a number that is used again belongs to another process. */
  started: string;
}

/**
 * Keeps a second run off the directory until the function that it gives is called. A lock whose process is gone is
 * taken over. Throws a ProblemError where another run is at work.
 */
export function lock(directory: string): () => void {
  const file = join(openLocal(directory), 'lock');
  for (let attempt = 0; ; attempt++) {
    try {
      // Made whole under another name first: a lock that can be seen can be read.
      const mine = `${file}.${process.pid}`;
      const holder: Holder = { pid: process.pid, host: hostname(), started: startOf(process.pid) };
      writeFileSync(mine, JSON.stringify(holder), { mode: 0o600 });
      try {
        linkSync(mine, file);
      } finally {
        unlinkSync(mine);
      }
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (attempt >= 3 || !isStale(file)) throw busy(directory);
      // A rename has one winner, should two runs find the same stale lock.
      const gone = `${file}.${process.pid}.gone`;
      try {
        renameSync(file, gone);
        unlinkSync(gone);
      } catch {
        // The other one was first.
      }
    }
  }
  sweep(directory);
  return () => {
    if (existsSync(file)) unlinkSync(file);
    closeLocal(directory);
  };
}

/** Removes what runs left that were killed while they took the lock. */
function sweep(directory: string): void {
  const local = join(directory, localFolder);
  for (const name of readdirSync(local)) {
    const pid = /^lock\.(\d+)/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(local, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function isStale(file: string): boolean {
  let holder: Partial<Holder>;
  try {
    holder = JSON.parse(readFileSync(file, 'utf8')) as Partial<Holder>;
  } catch {
    return false;
  }
  if (holder.host !== hostname() || holder.pid === undefined) return false;
  if (!isAlive(holder.pid)) return true;
  return holder.started !== startOf(holder.pid);
}

/** Field 22 of /proc/PID/stat, or nothing where there is no such file. See proc(5). */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function busy(directory: string): ProblemError {
  return new ProblemError([
    {
      file: join(directory, localFolder, 'lock'),
      message: 'another run is at work here',
      remedy:
        'Wait for it to end. If none is running, on any machine that shares this folder, delete that file.',
    },
  ]);
}
