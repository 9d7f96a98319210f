import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { syntaxError } from '../stack/check-syntax.js';
import { hasMarkers } from '../stack/merge-text.js';
import { settle, type Change, type Settlement } from '../stack/merge.js';
import { ProblemError, type Problem } from '../stack/problem.js';
import { changeDiff, colourDiff } from '../repository/diff.js';

export type Choice =
  'mine' | 'theirs' | 'edit' | 'markers' | 'all-mine' | 'all-theirs' | 'all-markers' | 'stop';

/** Asks one question with a list of answers, and gives the value chosen. */
export type Ask = (message: string, choices: { value: Choice; name: string }[]) => Promise<Choice>;

/** Goes through the open conflicts with the owner, the difference on the screen. Throws a ProblemError at `stop`. */
export async function askConflicts(directory: string, changes: Change[], ask: Ask): Promise<Change[]> {
  const open = changes.filter(({ conflict }) => conflict !== undefined);
  const settled = new Map<string, Change>();
  let rest: Settlement | undefined;
  for (const [index, change] of open.entries()) {
    let decided = rest === undefined ? change : settle(change, rest);
    while (decided.action === 'conflict' && decided.file === undefined) {
      const why = change.conflict?.why ?? '';
      process.stderr.write(`\n${colourDiff(changeDiff(directory, change), process.stderr)}`);
      const choice = await ask(`${change.path}: ${why}`, choices(change, open.length - index - 1));
      if (choice === 'stop') throw new ProblemError([{ message: 'cancelled: nothing was written' }]);
      if (choice === 'edit') decided = edit(change);
      else {
        const how = choice.replace('all-', '') as 'mine' | 'theirs' | 'markers';
        if (choice.startsWith('all-')) rest = how;
        decided = settle(change, how);
      }
    }
    settled.set(change.path, decided);
  }
  return changes.map((change) => settled.get(change.path) ?? change);
}

function choices(change: Change, others: number): { value: Choice; name: string }[] {
  const marked = change.conflict?.marked !== undefined;
  const replaceable = settle(change, 'theirs').file !== undefined;
  const list: { value: Choice; name: string }[] = [{ value: 'mine', name: 'keep mine' }];
  if (replaceable) list.push({ value: 'theirs', name: 'take the new one' });
  if (change.conflict?.mine?.kind === 'text')
    list.push({ value: 'edit', name: `open both in ${basename(editorCommand())}` });
  if (marked) list.push({ value: 'markers', name: 'write both with conflict markers' });
  if (others > 0) {
    list.push({ value: 'all-mine', name: `keep mine here and in the ${others} left` });
    list.push({ value: 'all-theirs', name: `take the new one here and in the ${others} left` });
    list.push({ value: 'all-markers', name: `write markers here and in the ${others} left` });
  }
  list.push({ value: 'stop', name: 'stop, write nothing' });
  return list;
}

function editorCommand(): string {
  return process.env.VISUAL || process.env.EDITOR || 'vi';
}

/** Opens the marked text in the owner's editor; a text that is not finished leaves the conflict open. */
function edit(change: Change): Change {
  const { conflict } = change;
  const folder = mkdtempSync(join(tmpdir(), 'create-osgs-'));
  const file = join(folder, basename(change.path));
  try {
    writeFileSync(file, conflict?.marked ?? conflict?.mine?.text ?? '', { mode: 0o600 });
    // By a shell, for EDITOR may hold arguments, as git reads it.
    const ran = spawnSync('sh', ['-c', `${editorCommand()} "$1"`, 'sh', file], { stdio: 'inherit' });
    const text = readFileSync(file, 'utf8');
    const wrong =
      ran.status !== 0
        ? 'the editor failed'
        : hasMarkers(text)
          ? 'conflict markers are left'
          : syntaxError(change.path, text);
    if (wrong === undefined) return settle(change, { edited: text });
    process.stderr.write(`${change.path}: ${wrong}\n`);
    return change;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The problems to report where conflicts stay open. */
export function conflictProblems(directory: string, open: Change[]): Problem[] {
  return open.map(({ path, conflict }) => ({
    file: join(directory, path),
    message: conflict?.why ?? 'conflict',
    remedy:
      conflict?.why === 'conflict markers are left in it'
        ? 'Nothing was written. Edit the file until the markers are gone.'
        : "Nothing was written. See it with 'create-osgs diff'; run in a terminal to decide, or give --conflict mine, theirs or markers.",
  }));
}
