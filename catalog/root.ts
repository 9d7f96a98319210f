import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of this repository, found from wherever the code was built to. */
export function packageRoot(from = import.meta.dirname): string {
  if (existsSync(join(from, 'package.json')) && existsSync(join(from, 'templates'))) return from;
  const up = dirname(from);
  if (up === from) throw new Error('the folder of create-osgs was not found');
  return packageRoot(up);
}
