import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../catalog/root.js';

const installed = join(packageRoot(), 'node_modules/.cache/osgs-tools/node_modules');

/** A file of a package that test/package/install-tools.sh has installed. */
export function tool(path: string): string {
  const file = join(installed, path);
  if (!existsSync(file)) throw new Error(`${path} is not there: run bash test/package/install-tools.sh`);
  return file;
}

export const nodes = ['node-20', 'node-22', 'node-24', 'node-26'] as const;

/** The programs that people start a package with. */
export const starters = {
  npm: 'npm/bin/npm-cli.js',
  npx: 'npm/bin/npx-cli.js',
  pnpm: 'pnpm/bin/pnpm.cjs',
  yarn: 'yarn/bin/yarn.js',
  'yarn-berry': '@yarnpkg/cli-dist/bin/yarn.js',
};

/** The words of a command line that starts one of them. */
export function starter(node: string, name: keyof typeof starters): string[] {
  return [tool(`${node}/bin/node`), tool(starters[name])];
}

/** The environment of a person who has this version of Node, nothing in any cache, and no other registry. */
export function environment(node: string, home: string, registry: string): NodeJS.ProcessEnv {
  const bin = dirname(tool(`${node}/bin/node`));
  return {
    PATH: `${bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: home,
    LANG: 'C.UTF-8',
    TERM: 'xterm',
    npm_config_registry: registry,
    npm_config_cache: join(home, 'npm cache'),
    npm_config_update_notifier: 'false',
    YARN_NPM_REGISTRY_SERVER: registry,
    YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
    YARN_ENABLE_TELEMETRY: '0',
    // What was published a moment ago is what is tested.
    YARN_NPM_MINIMAL_AGE_GATE: '0',
  };
}
