import type { Catalog } from '../../catalog/service.js';
import { questions } from '../app/questions.js';
import type { Answers } from '../stack/answers.js';
import { withoutPlaces } from '../stack/change-services.js';
import { findPreset, withPreset } from '../stack/presets.js';
import { ProblemError, type Problem } from '../stack/problem.js';
import type { CommandLine } from './arguments.js';

/** The answers that the flags of a command line give, on top of those that are known. Throws a ProblemError where a flag is wrong. */
export function applyFlags(
  known: Partial<Answers>,
  { flags, aliases }: Pick<CommandLine, 'flags' | 'aliases'>,
  catalog: Catalog,
): Partial<Answers> {
  let now = { ...known };
  for (const question of questions) {
    const values = flags.get(question.key);
    if (values === undefined) continue;
    const before = now.services ?? [];
    now = { ...now, ...question.read(values, now) };
    if (question.key === 'services') now = leaveOut(before, now, catalog);
  }
  if (flags.has('preset')) now = startFrom(now, catalog);
  return aliases.length === 0 ? now : { ...now, domains: withAliases(now.domains ?? [], aliases) };
}

function startFrom(known: Partial<Answers>, catalog: Catalog): Partial<Answers> {
  const problems: Problem[] = [];
  const preset = findPreset(known, catalog, problems, (_path, message, remedy = '') => ({ message, remedy }));
  if (!preset) throw new ProblemError(problems, 2);
  return withPreset(known, preset);
}

/** A list of services that leaves one out takes it from its domains, ports and settings too. */
function leaveOut(before: string[], known: Partial<Answers>, catalog: Catalog): Partial<Answers> {
  const gone = before.filter((id) => !known.services?.includes(id));
  return withoutPlaces(known, gone, catalog);
}

function withAliases(domains: Answers['domains'], aliases: string[]): Answers['domains'] {
  const all = domains.map((domain) => ({ ...domain }));
  for (const text of aliases) {
    const [alias = '', host = ''] = text.split('=', 2);
    const domain = all.find((candidate) => candidate.host === host);
    if (!domain)
      throw new ProblemError(
        [
          {
            message: `--alias ${text}: '${host}' is not one of the domains`,
            remedy: 'Give ALIAS=HOST with a HOST that --domain names.',
          },
        ],
        2,
      );
    domain.aliases = [...new Set([...(domain.aliases ?? []), alias])];
  }
  return all;
}
