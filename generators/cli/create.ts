import { join } from 'node:path';
import { readInside } from '../repository/disk.js';
import { commitPaths, isWorkTree } from '../repository/git.js';
import type { AppOptions } from '../app/index.js';
import { basePath } from '../repository/manifest.js';
import { differs, leavesMarkers, planWithDefaults, type Plan } from '../app/plan.js';
import { catalogWith } from './catalog.js';
import { isInteractive } from './directory.js';
import { applyFlags } from './flags.js';
import { commitMessage, printDiff, report } from './report.js';
import { inSession, type Session } from './session.js';
import { migrate, readAnswers } from './settled.js';
import { addServices, removeServices } from '../stack/change-services.js';
import { stackWarnings } from '../stack/administration.js';
import { changeNotes } from '../stack/notes.js';
import type { Answers } from '../stack/answers.js';
import type { CommandLine } from './arguments.js';

/** Creates a stack, or brings the one in the directory up to date, with other services where the command says so. */
export async function create(line: CommandLine, directory: string, version: string): Promise<number> {
  const interactive = isInteractive(line);
  return inSession(directory, line, (session) => runIn(session, line, version, interactive, directory));
}

async function runIn(
  { directory, state, locked }: Session,
  line: CommandLine,
  version: string,
  interactive: boolean,
  shown: string,
): Promise<number> {
  const catalog = await catalogWith(line.catalog);
  const settled = state === 'stack' ? readAnswers(join(shown, 'osgs.yaml')) : undefined;
  const config = line.config === undefined ? undefined : readAnswers(line.config);
  const migrated = migrate(directory, version);

  let known: Partial<Answers> = { ...settled?.answers, ...config?.answers };
  if (settled) known = migrated.answers(known as Answers);
  known = applyFlags(known, line, catalog);
  if (line.command === 'add') known = addServices(complete(known), line.services, catalog);
  if (line.command === 'remove') known = removeServices(complete(known), line.services, catalog);

  const source = config ?? settled;
  const before = readInside(directory, basePath('compose.yaml'));
  const options: Omit<AppOptions, 'done'> = {
    directory,
    catalog,
    version,
    known,
    given: [...line.flags.keys(), ...(Object.keys(config?.answers ?? {}) as (keyof Answers)[])],
    ask: interactive && line.command === 'create',
    interactive: interactive && line.command !== 'diff',
    yes: line.yes,
    dryRun: line.dryRun || line.command === 'diff',
    conflict: line.conflict,
    git: line.git,
    locked,
    what: [line.command, ...line.services].join(' '),
    // Places in a file are right only while nothing has replaced what the file says.
    ...(line.command === 'create' && line.flags.size === 0 && source ? { locate: source.locate } : {}),
    ...((line.diff || line.command === 'diff') && !line.json
      ? { decided: ({ changes }: Plan) => printDiff(directory, changes) }
      : {}),
  };
  const decided = await decide(options);
  const after = decided.files.get('compose.yaml')?.content ?? '';
  // Whoever confirmed the plan has read its warnings there.
  const warnings = options.interactive ? [] : stackWarnings(decided.stack);
  const notes = [...migrated.notes, ...warnings, ...changeNotes(before, after, decided.stack)];
  const code = report({ plan: decided, shown, line, notes, catalog });
  if (!options.dryRun && differs(decided)) await offerCommit(decided, directory, line, interactive);
  return code;
}

/** Yeoman is loaded where somebody is asked or something is written: it takes longer than all the rest. */
async function decide(options: Omit<AppOptions, 'done'>): Promise<Plan> {
  let plan: Plan | undefined;
  if (!options.ask) {
    plan = planWithDefaults(options);
    if (options.dryRun || !differs(plan)) {
      options.decided?.(plan);
      return plan;
    }
  }
  const { runGenerator } = await import('../app/run.js');
  return runGenerator(plan ? { ...options, plan } : options);
}

/** An osgs.yaml may leave keys out. */
function complete(known: Partial<Answers>): Answers {
  return { name: '', services: [], domains: [], tls: 'self-signed', expose: {}, settings: {}, ...known };
}

async function offerCommit(
  plan: Plan,
  directory: string,
  line: CommandLine,
  interactive: boolean,
): Promise<void> {
  if (!line.commit && !interactive) return;
  if (!line.git || leavesMarkers(plan.changes) || !isWorkTree(directory)) return;
  const message = commitMessage(plan, line);
  if (!line.commit) {
    const { default: inquirer } = await import('inquirer');
    const { go } = await inquirer.prompt<{ go: boolean }>([
      {
        type: 'confirm',
        name: 'go',
        message: `Commit this as "${message.split('\n')[0] ?? ''}"?`,
        default: false,
      },
    ]);
    if (!go) return;
  }
  const paths = [...plan.changes, ...plan.own]
    .filter(({ path, file, action }) => path !== '.env' && (file !== undefined || action === 'removed'))
    .flatMap(({ path }) => path);
  const committed = commitPaths(directory, paths, message);
  process.stderr.write(committed ? 'Committed.\n' : 'All is as the last commit has it.\n');
}
