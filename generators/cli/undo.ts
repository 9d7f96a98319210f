import { askConflicts, conflictProblems, type Choice } from '../app/conflicts.js';
import { differs, leavesMarkers, openConflicts, plannedWrites, settleAll } from '../app/plan.js';
import { summary } from '../app/report.js';
import { carryOut } from '../repository/transaction.js';
import { planUndo } from '../app/undo.js';
import type { Change } from '../stack/merge.js';
import { ProblemError } from '../stack/problem.js';
import type { CommandLine } from './arguments.js';
import { printDiff } from './report.js';
import { inSession } from './session.js';

/** Puts the last run back. Gives the exit code. */
export async function undo(line: CommandLine): Promise<number> {
  const interactive = !line.yes && !line.json && process.stdin.isTTY && process.stdout.isTTY;
  return inSession('.', line, async ({ directory }) => {
    const plan = planUndo(directory);
    if (line.diff && !line.json) printDiff(directory, plan.changes);
    let { changes } = plan;
    if (!line.dryRun) {
      if (line.conflict !== 'ask') changes = settleAll(changes, line.conflict);
      else if (interactive) changes = await decide(directory, plan.what, changes);
      const open = openConflicts(changes);
      if (open.length > 0) throw new ProblemError(conflictProblems(directory, open), 3);
      const writes = plannedWrites({ changes, own: plan.own });
      if (writes.length > 0) carryOut(directory, `undo: ${plan.what}`, writes);
    }
    const changed = differs({ changes, own: plan.own });
    if (line.json) {
      const shown = changes.map(({ path, action }) => ({ path, action }));
      const object = { directory: '.', undone: plan.what, written: changed && !line.dryRun, changes: shown };
      process.stdout.write(`${JSON.stringify(object, null, 2)}\n`);
    } else {
      const lines = changes
        .filter(({ action }) => action !== 'unchanged')
        .map(({ action, path, why }) => `  ${action} ${path}${why === undefined ? '' : ` (${why})`}\n`);
      process.stderr.write(
        `undo of '${plan.what}': ${summary(changes)}\n${lines.join('')}${line.dryRun ? 'Nothing was written.\n' : '\nNext: make up\n'}`,
      );
    }
    if (line.dryRun) return changed ? 4 : 0;
    return leavesMarkers(changes) ? 3 : 0;
  });
}

async function decide(directory: string, what: string, changes: Change[]): Promise<Change[]> {
  const { default: inquirer } = await import('inquirer');
  const { go } = await inquirer.prompt<{ go: boolean }>([
    { type: 'confirm', name: 'go', message: `Put '${what}' back in ${directory}?`, default: true },
  ]);
  if (!go) throw new ProblemError([{ message: 'cancelled: nothing was written' }]);
  return askConflicts(directory, changes, async (message, choices) => {
    const { choice } = await inquirer.prompt<{ choice: Choice }>([
      { type: 'select', name: 'choice', message, choices },
    ]);
    return choice;
  });
}
