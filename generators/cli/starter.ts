import { version } from './version.js';

/**
 * The command line that starts create-osgs with these words, as the person at the terminal started it: who typed
 * `npm create osgs` has no `create-osgs` to type. With `exact` it names this version, where the program takes one.
 *
 * npm, pnpm and Yarn say who they are in `npm_config_user_agent`, and what they run in `npm_lifecycle_event`: the name of
 * a script of the project's, which finds the command installed, or, for a package that they start, `npx` of npm, `create` of
 * Yarn 1, and nothing of the others.
 */
export function startedWith(words: string[], exact = false, env: NodeJS.ProcessEnv = process.env): string {
  const agent = env.npm_config_user_agent ?? '';
  const running = env.npm_lifecycle_event;
  const osgs = `osgs@${exact ? version : 'latest'}`;
  if (agent.startsWith('npm/') && running === 'npx') {
    // npm keeps what looks like an option for itself, up to `--`.
    const at = words.findIndex((word) => word.startsWith('-'));
    const given = at < 0 ? words : [...words.slice(0, at), '--', ...words.slice(at)];
    return ['npm', 'create', osgs, ...given].join(' ');
  }
  // It takes the version for a part of the command's name.
  if (agent.startsWith('yarn/1.') && running === 'create')
    return ['yarn', 'create', 'osgs', ...words].join(' ');
  const other = /^(pnpm|yarn)\//.exec(agent)?.[1];
  if (other !== undefined && running === undefined) return [other, 'create', osgs, ...words].join(' ');
  return ['create-osgs', ...words].join(' ');
}

/** A message whose commands, in the form 'create-osgs list', are those that the person can type. */
export function withCommands(message: string, env: NodeJS.ProcessEnv = process.env): string {
  return message.replace(
    /'create-osgs ([^']+)'/g,
    (_all, words: string) => `'${startedWith(words.split(' '), false, env)}'`,
  );
}
