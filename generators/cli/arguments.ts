import { parseArgs } from 'node:util';
import type { Answers } from '../stack/answers.js';
import { nearest } from '../stack/near.js';
import { ProblemError } from '../stack/problem.js';
import { questions } from '../app/questions.js';

export interface CommandLine {
  command: 'create' | 'list';
  directory: string | undefined;
  /** Values of the questions' flags, by key of the answer. */
  flags: Map<keyof Answers, string[]>;
  config: string | undefined;
  catalog: string[];
  aliases: string[];
  yes: boolean;
  dryRun: boolean;
  json: boolean;
  help: boolean;
  version: boolean;
}

/** Words that are commands of later versions: they must not become directories today. */
const reserved = ['add', 'remove', 'diff', 'upgrade', 'undo', 'doctor'];

const general = {
  alias: { type: 'string', multiple: true },
  config: { type: 'string' },
  catalog: { type: 'string', multiple: true },
  target: { type: 'string' },
  yes: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
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
  const [first, second] = positionals;
  if (first !== undefined && reserved.includes(first)) {
    throw wrong(
      `'${first}' is not offered by this version`,
      `Edit osgs.yaml and run create-osgs again; a directory of that name is ./${first}.`,
    );
  }
  if (positionals.length > 1)
    throw wrong(`'${second ?? ''}' is one directory too many`, "See 'create-osgs --help'.");
  if (values.target !== undefined && values.target !== 'compose')
    throw wrong(`--target '${values.target}' is not offered by this version`, 'There is: compose.');
  const command = first === 'list' ? 'list' : 'create';
  const given = values as Record<string, string[] | undefined>;
  return {
    command,
    directory: command === 'list' ? undefined : first,
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
       create-osgs list [--json]

Emits a deployment repository for the GIS services and domains you choose, or brings the one in the directory up to
its osgs.yaml. Asks for what the options leave open; without a terminal or with --yes it asks nothing.

Answers
${questions.map(({ flag, value, help, multiple }) => row(`--${flag} ${value}${multiple ? ' ...' : ''}`, help)).join('')}${row('--alias ALIAS=HOST ...', 'a host name that redirects to one of the domains')}${row('--config FILE|-', 'all answers, in the form of osgs.yaml; flags go before it')}
Run
${row('--catalog DIR ...', 'more services from a folder that you trust: its templates are code')}${row('--yes', 'ask nothing, take defaults')}${row('--dry-run', 'decide everything, write nothing; exit code 4 if something would change')}${row('--json', 'print one report object on standard output and nothing else')}${row('--version', 'print the version')}${row('--help', 'print this')}
Exit codes: 0 done; 1 answers or directory wrong, or cancelled, nothing written; 2 command line wrong; 3 conflicts;
4 a dry run found differences.
`;
}
