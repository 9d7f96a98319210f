import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { canWrite, inspectDirectory } from '../repository/disk.js';
import { isWorkTree } from '../repository/git.js';
import { lock } from '../repository/lock.js';
import { localFolder, recover } from '../repository/transaction.js';
import { ProblemError } from '../stack/problem.js';
import type { CommandLine } from './arguments.js';

/** A directory that a run may work on. */
export interface Session {
  directory: string;
  state: 'new' | 'stack';
  /** Whether this run holds the directory's lock. */
  locked: boolean;
}

/**
 * Finishes what an interrupted run left, keeps other runs off the directory, and does the work. Throws a ProblemError
 * where the directory is not what the command needs.
 */
export async function inSession(
  directory: string,
  line: CommandLine,
  work: (session: Session) => Promise<number>,
): Promise<number> {
  const path = resolve(directory);
  const only = line.command === 'diff' || line.command === 'doctor' || line.dryRun;
  // The doctor says so, and touches nothing.
  if (line.command !== 'doctor' && existsSync(join(path, localFolder)) && canWrite(path))
    finishInterrupted(path);
  const state = inspectDirectory(directory);
  if (state === 'new' && line.command !== 'create') {
    throw new ProblemError([
      {
        message: `${directory === '.' ? 'this directory' : directory} holds no osgs.yaml`,
        remedy: "Go to the directory of a stack, or make one: 'create-osgs my-stack'.",
      },
    ]);
  }
  if (line.commit && !isWorkTree(path))
    throw new ProblemError([
      { message: '--commit: this is no git work tree', remedy: 'Run git init first.' },
    ]);
  const release = state === 'stack' && !only ? lock(path) : undefined;
  try {
    return await work({ directory: path, state, locked: release !== undefined });
  } finally {
    release?.();
  }
}

function finishInterrupted(directory: string): void {
  const release = lock(directory);
  try {
    const edited = recover(directory);
    if (edited === undefined) return;
    process.stderr.write('The last run was interrupted: it has been put in order now.\n');
    for (const path of edited)
      process.stderr.write(
        `  ${path} was edited since and stays as it is: compare it with ${join('.osgs/base', path)}\n`,
      );
  } finally {
    release();
  }
}
