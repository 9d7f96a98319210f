import { createHash } from 'node:crypto';
import type { FileSet, OutputFile } from './render.js';

export type Action = 'created' | 'updated' | 'unchanged' | 'kept' | 'deleted' | 'removed' | 'conflict';

export interface Change {
  path: string;
  action: Action;
  /** What is to be written; absent where the disk stays as it is. */
  file?: OutputFile;
}

/** What was generated last time, as `.osgs/` holds it. */
export interface Manifest {
  generator: string;
  /** Path to the SHA-256 of its content. */
  files: Record<string, string>;
}

export function hash(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}

/**
 * Compares three states of every file: as generated last time, as generated now, and as it is on disk (`mine`: its
 * text, or undefined where it is absent). Edits are never overwritten: where both sides changed, it is a conflict.
 */
export function merge(
  base: Manifest | undefined,
  next: FileSet,
  mine: (path: string) => string | undefined,
): Change[] {
  const changes: Change[] = [];
  for (const [path, file] of next) {
    const before = base?.files[path];
    const disk = mine(path);
    const decide = (action: Action): void => {
      changes.push(action === 'created' || action === 'updated' ? { path, action, file } : { path, action });
    };
    if (disk === file.content) decide('unchanged');
    else if (disk === undefined) decide(before === undefined ? 'created' : 'deleted');
    else if (file.kind === 'once') decide('kept');
    else if (before === undefined) decide('conflict');
    else if (hash(disk) === before) decide('updated');
    else decide(hash(file.content) === before ? 'kept' : 'conflict');
  }
  for (const [path, before] of Object.entries(base?.files ?? {})) {
    if (next.has(path)) continue;
    const disk = mine(path);
    if (disk !== undefined) changes.push({ path, action: hash(disk) === before ? 'removed' : 'kept' });
  }
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1));
}
