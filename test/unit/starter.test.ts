import { describe, expect, it } from '@jest/globals';
import { startedWith, withCommands } from '../../generators/cli/starter.js';
import { version } from '../../generators/cli/version.js';

// As the programs themselves set them.
const npm = { npm_config_user_agent: 'npm/11.19.1 node/v24.21.0 linux x64 workspaces/false' };
const npx = { ...npm, npm_lifecycle_event: 'npx' };
const pnpm = { npm_config_user_agent: 'pnpm/10.34.8 npm/? node/v24.21.0 linux x64' };
const yarn1 = {
  npm_config_user_agent: 'yarn/1.22.22 npm/? node/v24.21.0 linux x64',
  npm_lifecycle_event: 'create',
};
const yarn4 = { npm_config_user_agent: 'yarn/4.18.1 npm/? node/v24.21.0 linux x64' };
const words = ['my', '--tls', 'off', '--yes'];

describe('the command line that a person can type again', () => {
  it.each([
    ['nothing', {}, 'create-osgs my --tls off --yes'],
    ['npm create', npx, `npm create osgs@${version} my -- --tls off --yes`],
    ['pnpm create', pnpm, `pnpm create osgs@${version} my --tls off --yes`],
    ['yarn create of Yarn 1', yarn1, 'yarn create osgs my --tls off --yes'],
    ['yarn create of Yarn 4', yarn4, `yarn create osgs@${version} my --tls off --yes`],
    ['a script of a project', { ...npm, npm_lifecycle_event: 'gis' }, 'create-osgs my --tls off --yes'],
    ['a script of pnpm', { ...pnpm, npm_lifecycle_event: 'gis' }, 'create-osgs my --tls off --yes'],
  ])('started by %s', (_by, env, expected) => {
    expect(startedWith(words, true, env)).toBe(expected);
  });

  it('has no -- for npm where there is no option', () => {
    expect(startedWith(['add', 'martin'], false, npx)).toBe('npm create osgs@latest add martin');
  });

  it('stands in the place of the commands that a message names, and of nothing else', () => {
    const message = "you and create-osgs changed it: see 'create-osgs diff', or 'create-osgs --help'.";
    expect(withCommands(message, npx)).toBe(
      "you and create-osgs changed it: see 'npm create osgs@latest diff', or 'npm create osgs@latest -- --help'.",
    );
    expect(withCommands(message, {})).toBe(message);
  });
});
