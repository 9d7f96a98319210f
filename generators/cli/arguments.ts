import { parseArgs } from 'node:util';
import type { Answers } from '../stack/answers.js';
import { conflictModes, type ConflictMode } from '../app/conflict-modes.js';
import { nearest } from '../stack/near.js';
import { ProblemError } from '../stack/problem.js';
import { questions } from '../app/questions.js';

export const commands = ['create', 'list', 'add', 'remove', 'diff', 'upgrade', 'undo', 'doctor'] as const;

export interface CommandLine {
  command: (typeof commands)[number];
  directory: string | undefined;
  /** The services that `add` and `remove` name. */
  services: string[];
  /** Values of the questions' flags, by key of the answer. */
  flags: Map<keyof Answers, string[]>;
  config: string | undefined;
  catalog: string[];
  aliases: string[];
  yes: boolean;
  dryRun: boolean;
  diff: boolean;
  conflict: ConflictMode;
  git: boolean;
  commit: boolean;
  json: boolean;
  help: boolean;
  version: boolean;
}

const general = {
  alias: { type: 'string', multiple: true },
  config: { type: 'string' },
  catalog: { type: 'string', multiple: true },
  target: { type: 'string' },
  yes: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  diff: { type: 'boolean' },
  conflict: { type: 'string' },
  'no-git': { type: 'boolean' },
  commit: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;

/** Reads the command line. Throws a ProblemError with exit code 2 where it is wrong. */
export function parseCommandLine(argv: string[]): CommandLine {
  const asked = Object.fromEntries(
    questions.map(({ flag }) => [flag, { type: 'string', multiple: true } as const]),
  );
  const options = { ...asked, ...general };
  let parsed;
  try {
    parsed = parseArgs({ args: argv, options, allowPositionals: true });
  } catch (error) {
    const unknown = /'(--?[\w-]+)/.exec((error as Error).message)?.[1]?.replace(/^-+/, '') ?? '';
    const near = nearest(unknown, Object.keys(options));
    const message = (error as Error).message.split('. ')[0] ?? '';
    throw wrong(
      message,
      near.length > 0 && !(unknown in options)
        ? `Did you mean --${near.join(' or --')}?`
        : "See 'create-osgs --help'.",
    );
  }
  const { values, positionals } = parsed;
  const [first, ...others] = positionals;
  const named = commands.find((word) => word === first && word !== 'create');
  const command = named ?? 'create';
  const takesServices = command === 'add' || command === 'remove';
  if (takesServices && others.length === 0)
    throw wrong(`'${command}' names no service`, `Write 'create-osgs ${command} SERVICE...'.`);
  const surplus = takesServices ? undefined : others[0];
  if (surplus !== undefined) {
    throw wrong(
      command === 'create'
        ? `'${surplus}' is one directory too many`
        : `'${command}' takes no '${surplus}': it works on the stack in this directory`,
      "See 'create-osgs --help'.",
    );
  }
  if (values.target !== undefined && values.target !== 'compose')
    throw wrong(`--target '${values.target}' is not offered by this version`, 'There is: compose.');
  const conflict = conflictModes.find((mode) => mode === (values.conflict ?? 'ask'));
  if (!conflict)
    throw wrong(
      `--conflict '${values.conflict ?? ''}' is no way to decide`,
      `Choose one of ${conflictModes.join(', ')}.`,
    );
  if (values.commit && values['no-git'])
    throw wrong('--commit and --no-git exclude each other', 'Give one of them.');
  if (command !== 'create' && questions.some(({ flag }) => flag in values)) {
    const flag = questions.find((question) => question.flag in values)?.flag ?? '';
    throw wrong(
      `'${command}' takes no --${flag}`,
      `Run 'create-osgs . --${flag}' with its value, or edit osgs.yaml.`,
    );
  }
  const given = values as Record<string, string[] | undefined>;
  return {
    command,
    directory: command === 'create' ? first : '.',
    services: takesServices ? others : [],
    flags: new Map(
      questions
        .filter(({ flag }) => given[flag] !== undefined)
        .map(({ key, flag }) => [key, given[flag] ?? []]),
    ),
    config: values.config,
    catalog: values.catalog ?? [],
    aliases: values.alias ?? [],
    yes: values.yes ?? false,
    dryRun: values['dry-run'] ?? false,
    diff: values.diff ?? false,
    conflict,
    git: !values['no-git'],
    commit: values.commit ?? false,
    json: values.json ?? false,
    help: values.help ?? false,
    version: values.version ?? false,
  };
}

function wrong(message: string, remedy: string): ProblemError {
  return new ProblemError([{ message, remedy }], 2);
}

/** The text of `--help`. */
export function helpText(): string {
  const row = (flag: string, help: string): string =>
    flag.length > 34 ? `  ${flag}\n${' '.repeat(38)}${help}\n` : `  ${flag.padEnd(36)}${help}\n`;
  return `Usage: create-osgs [directory] [options]
       create-osgs add SERVICE...      create-osgs remove SERVICE...
       create-osgs diff                create-osgs upgrade
       create-osgs undo                create-osgs doctor
       create-osgs list [--json]

Emits a deployment repository for the GIS services and domains you choose, or brings the one in the directory up to
its osgs.yaml; edits of yours are merged, never overwritten. Asks for what the options leave open; without a terminal or
with --yes it asks nothing. The commands work on the stack in the directory that you are in: add and remove services,
diff shows what a run would change, upgrade takes over a newer create-osgs, undo puts the last run back, doctor says
whether the repository is in order.

Answers
${questions.map(({ flag, value, help, multiple }) => row(`--${flag} ${value}${multiple ? ' ...' : ''}`, help)).join('')}${row('--alias ALIAS=HOST ...', 'a host name that redirects to one of the domains')}${row('--config FILE|-', 'all answers, in the form of osgs.yaml; flags go before it')}
Run
${row('--catalog DIR ...', 'more services from a folder that you trust: its templates are code')}${row('--yes', 'ask nothing, take defaults')}${row('--conflict ask|mine|theirs|markers', 'what to do where you and create-osgs changed the same lines')}${row('--diff', 'print what changes as a unified diff')}${row('--commit', 'commit what was written to git')}${row('--no-git', 'do not ask git what is ignored or not committed')}${row('--dry-run', 'decide everything, write nothing; exit code 4 if something would change')}${row('--json', 'print one report object on standard output and nothing else')}${row('--version', 'print the version')}${row('--help', 'print this')}
Exit codes: 0 done; 1 answers or directory wrong, or cancelled, nothing written; 2 command line wrong; 3 conflicts;
4 diff, a dry run or doctor found something.
`;
}
