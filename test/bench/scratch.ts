import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where a benchmark works. */
export const scratch = mkdtempSync(join(tmpdir(), 'osgs-bench-'));

/**
 * Nothing is removed before all is measured: ext4 without a journal passes over what was deleted in the last five minutes,
 * one by one, when it looks for room for a new file (`recently_deleted` in Linux' fs/ext4/ialloc.c), and a benchmark
 * that tidies up as it goes measures that: 0.4 ms for a file that takes 0.02 ms otherwise.
 */
process.on('exit', () => rmSync(scratch, { recursive: true, force: true, maxRetries: 5 }));

export function scratchFolder(): string {
  return mkdtempSync(join(scratch, 'run-'));
}
