import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ProblemError, type Problem } from '../generators/stack/problem.js';
import { readPresets, readServices } from './folder.js';
import { ownCatalog } from './own.js';
import type { Catalog } from './service.js';

export { loadNotOffered } from './own.js';
export { packageRoot } from './root.js';

/**
 * The package's own catalogue and the folders given with `--catalog`. Such a folder holds `services/*.yaml` (or the
 * files themselves) and, beside them, `templates/services/<id>/`. A later service replaces an earlier one of its id.
 * Throws a ProblemError that lists everything that is wrong in any of the files.
 */
export function loadCatalog(folders: string[] = []): Catalog {
  const own = ownCatalog();
  const problems: Problem[] = [];
  const services = new Map(own);
  const presets = new Map(own.presets);
  for (const folder of folders) {
    const nested = join(folder, 'services');
    const files = existsSync(nested) ? nested : folder;
    readServices(files, services, problems, join(folder, 'templates/services'));
  }
  for (const folder of folders) readPresets(join(folder, 'presets'), presets, services, problems);
  if (problems.length > 0) throw new ProblemError(problems);
  return Object.assign(services, { presets, ...(own.networks && { networks: own.networks }) });
}
