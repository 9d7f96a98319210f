import { join } from 'node:path';
import { packageRoot } from '../../catalog/root.js';
import type { Template } from '../stack/render.js';
import { readTemplates } from './read-templates.js';

// The package has what this gives in one file, the EJS compiled: see generators/build.

/** The templates of this package, those of services among them. */
export function ownTemplates(): Template[] {
  return readTemplates(join(packageRoot(), 'templates')).map((template) => {
    const service = /^services\/([^/]+)\//.exec(template.path)?.[1];
    return service === undefined ? template : { ...template, service };
  });
}
