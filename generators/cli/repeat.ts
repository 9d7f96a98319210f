import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Catalog } from '../../catalog/service.js';
import { questions } from '../app/questions.js';
import type { Answers } from '../stack/answers.js';
import { parseCommandLine } from './arguments.js';
import { applyFlags } from './flags.js';
import { startedWith } from './starter.js';

/** The command line that repeats a run: with flags, or with `osgs.yaml` where they cannot say all of its answers. */
export function repeatCommand(
  answers: Answers,
  directory: string,
  folders: string[],
  catalog: Catalog,
): string {
  const flags = [
    ...questions.flatMap((question) => question.repeat(answers)),
    ...answers.domains.flatMap(({ host, aliases = [] }) =>
      aliases.flatMap((alias) => ['--alias', `${alias}=${host}`]),
    ),
  ];
  const words = [
    directory,
    ...(saysAll(flags, answers, catalog) ? flags : ['--config', join(directory, 'osgs.yaml')]),
    ...folders.flatMap((folder) => ['--catalog', folder]),
    '--yes',
  ];
  return startedWith(words.map(shellWord), true);
}

function saysAll(flags: string[], answers: Answers, catalog: Catalog): boolean {
  const said = applyFlags({}, parseCommandLine(flags), catalog);
  const open = { expose: {}, settings: {} };
  return isDeepStrictEqual(plain({ ...open, ...said }), plain(answers));
}

/** Without what is left open. */
function plain(answers: object): object {
  return Object.fromEntries(
    Object.entries(answers).filter(([, value]) => value !== undefined && value !== ''),
  );
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
