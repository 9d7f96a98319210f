import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../catalog/root.js';
import { emptyFolder, run } from '../run.js';
import { environment, starter } from './tools.js';

/** Builds and packs this package as a release does. Gives the tarball. */
export function pack(): string {
  const folder = emptyFolder();
  const [program = '', ...words] = starter('node-24', 'npm');
  const env = environment('node-24', folder, 'http://127.0.0.1:9/');
  const ran = run(program, [...words, 'pack', '--pack-destination', folder], {
    cwd: packageRoot(),
    env,
    timeout: 600_000,
  });
  if (ran.code !== 0) throw new Error(ran.stderr);
  const name = readdirSync(folder).find((file) => file.endsWith('.tgz'));
  if (name === undefined) throw new Error(ran.stdout);
  return join(folder, name);
}
