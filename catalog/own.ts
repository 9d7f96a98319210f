import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ProblemError, type Problem } from '../generators/stack/problem.js';
import { readYaml } from '../generators/stack/yaml-file.js';
import { readPresets, readServices } from './folder.js';
import { packageRoot } from './root.js';
import type { Catalog, CatalogService, NotOffered, Preset } from './service.js';
import { validateNotOffered } from './validate.js';

// The package has what these two give as JSON, so that it reads no YAML at its start: see generators/build.

/** The catalogue of this package. Throws a ProblemError that lists everything that is wrong in any of its files. */
export function ownCatalog(): Catalog {
  const root = packageRoot();
  const problems: Problem[] = [];
  const services = new Map<string, CatalogService>();
  readServices(join(root, 'catalog/services'), services, problems);
  const presets = new Map<string, Preset>();
  readPresets(join(root, 'catalog/presets'), presets, services, problems);
  if (problems.length > 0) throw new ProblemError(problems);
  return Object.assign(services, { presets, networks: networkNumbers() });
}

/** The numbers of the networks that these services make. */
function networkNumbers(): Map<string, number> {
  const text = readFileSync(join(packageRoot(), 'catalog/networks.yaml'), 'utf8');
  return new Map(Object.entries((parse(text) ?? {}) as Record<string, number>));
}

/** Reads what the catalogue leaves out, and why. Throws a ProblemError where the file is wrong. */
export function loadNotOffered(): NotOffered[] {
  const file = join(packageRoot(), 'catalog/not-offered.yaml');
  const yaml = readYaml(readFileSync(file, 'utf8'), file, validateNotOffered);
  if (yaml.problems.length > 0) throw new ProblemError(yaml.problems);
  return yaml.data as NotOffered[];
}
