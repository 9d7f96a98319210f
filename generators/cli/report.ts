import { changeDiff, colourDiff } from '../repository/diff.js';
import { differs, leavesMarkers, type Plan } from '../app/plan.js';
import { reportObject, summary } from '../app/report.js';
import type { Change } from '../stack/merge.js';
import type { Catalog } from '../../catalog/service.js';
import type { CommandLine } from './arguments.js';
import { repeatCommand } from './repeat.js';

export interface Outcome {
  plan: Plan;
  /** The directory in the user's words. */
  shown: string;
  line: CommandLine;
  /** What the owner has to know or to do by hand. */
  notes: string[];
  catalog: Catalog;
}

/** Prints what changes would do to the disk as it is now. */
export function printDiff(directory: string, changes: Change[]): void {
  const patches = changes.map((change) => changeDiff(directory, change)).join('');
  process.stdout.write(colourDiff(patches, process.stdout));
}

/** Prints what a run did or would do, and gives its exit code. */
export function report(outcome: Outcome): number {
  const { plan, shown, line, notes } = outcome;
  const dry = line.dryRun || line.command === 'diff';
  const changed = differs(plan);
  const code = dry ? (changed ? 4 : 0) : leavesMarkers(plan.changes) ? 3 : 0;
  if (line.json) {
    const object = { ...reportObject(plan, shown, !dry && changed), notes };
    process.stdout.write(`${JSON.stringify(object, null, 2)}\n`);
    return code;
  }
  const lines = plan.changes
    .filter(({ action }) => !['unchanged', 'created'].includes(action))
    .map(({ action, path, from, why }) => {
      const words = [`  ${action} ${path}`];
      if (from !== undefined) words.push(`, from ${from}`);
      if (why !== undefined) words.push(` (${why})`);
      return `${words.join('')}\n`;
    });
  const said = notes.map((note) => `  ${note}\n`).join('');
  process.stderr.write(
    [
      `${shown}: ${summary(plan.changes)}\n`,
      ...lines,
      said === '' ? '' : `\nBy hand:\n${said}`,
      code === 3 ? '\nConflict markers are left: edit those files before make up.\n' : '',
      dry ? 'Nothing was written.\n' : next(outcome, changed),
    ].join(''),
  );
  return code;
}

function next({ plan, shown, line, catalog }: Outcome, changed: boolean): string {
  const again =
    line.command === 'create'
      ? `\nThe same again: ${repeatCommand(plan.stack.answers, shown, line.catalog, catalog)}\n`
      : '';
  if (plan.before !== undefined) return changed ? `\nNext: make up\n${again}` : `Nothing to do.\n${again}`;
  const cd = shown === '.' ? '' : `  cd ${shown}\n`;
  return `\nNext:\n${cd}  git init && git add -A && git commit -m "Create the stack"    # .env stays out of it\n  make up\n  make check\n${again}`;
}

/** A commit message that says what changed. */
export function commitMessage(plan: Plan, line: CommandLine): string {
  const subject = {
    create: plan.before === undefined ? 'Create the stack' : 'Change the stack',
    add: `Add ${line.services.join(', ')}`,
    remove: `Remove ${line.services.join(', ')}`,
    upgrade: 'Upgrade the stack',
    undo: 'Undo the last change of the stack',
    diff: '',
    list: '',
    doctor: '',
  }[line.command];
  return `${subject}\n\n${summary(plan.changes)}.\n`;
}
