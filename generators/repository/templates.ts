import { existsSync } from 'node:fs';
import type { Catalog } from '../../catalog/service.js';
import type { Template } from '../stack/render.js';
import { ownTemplates } from './own-templates.js';
import { readTemplates } from './read-templates.js';

/** The general templates, and those of the services in the catalogue. */
export function loadTemplates(catalog: Catalog): Template[] {
  const own = ownTemplates().filter(
    ({ service }) => service === undefined || catalog.get(service)?.templates === undefined,
  );
  const others = [...catalog.values()].flatMap(({ id, templates }) =>
    templates !== undefined && existsSync(templates)
      ? readTemplates(templates, `services/${id}`).map((template) => ({ ...template, service: id }))
      : [],
  );
  return [...own, ...others];
}
