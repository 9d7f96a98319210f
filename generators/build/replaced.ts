import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Ajv } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { loadNotOffered, ownCatalog } from '../../catalog/own.js';
import { packageRoot } from '../../catalog/root.js';
import { version } from '../cli/version.js';
import { ownTemplates } from '../repository/own-templates.js';
import osgsSchema from '../stack/osgs.schema.js';
import { schemaOptions } from '../stack/schema.js';
import { templateModule } from './templates.js';

/** A module whose work is done when the package is built, and a file that it reads, where it has one. */
export interface Replaced {
  code: string;
  file?: { name: string; content: string };
}

const root = packageRoot();

/** What stands in the place of each module that reads this repository's files, by the module's path in it. */
export function replacedModules(): Record<string, Replaced> {
  return {
    'generators/cli/version.ts': { code: `export const version = ${JSON.stringify(version)};` },
    'catalog/own.ts': catalogModule(),
    'catalog/validate.ts': { code: checks(['service', 'preset', 'not-offered']) },
    'generators/stack/validate-answers.ts': { code: compileChecks({ validateAnswers: osgsSchema }) },
    'generators/repository/own-templates.ts': templateModule(ownTemplates(), root),
  };
}

function catalogModule(): Replaced {
  const catalog = ownCatalog();
  const content = JSON.stringify({
    services: [...catalog.values()].map((service) => ({ ...service, file: relative(root, service.file) })),
    presets: [...catalog.presets.values()],
    networks: [...(catalog.networks ?? [])],
    notOffered: loadNotOffered(),
  });
  const code = `import { readFileSync } from 'node:fs';
const read = () => JSON.parse(readFileSync(new URL('./catalog.json', import.meta.url), 'utf8'));
const byId = (entries) => new Map(entries.map((entry) => [entry.id, entry]));
export const ownCatalog = () => {
  const { services, presets, networks } = read();
  return Object.assign(byId(services), { presets: byId(presets), networks: new Map(networks) });
};
export const loadNotOffered = () => read().notOffered;
`;
  return { code, file: { name: 'catalog.json', content } };
}

function checks(names: string[]): string {
  const schemas = names.map((name): [string, object] => [
    `validate${name.replace(/(?:^|-)(.)/g, (_match, first: string) => first.toUpperCase())}`,
    JSON.parse(readFileSync(join(root, `catalog/schema/${name}.schema.json`), 'utf8')) as object,
  ]);
  return compileChecks(Object.fromEntries(schemas));
}

/** The checks of schemas as a module, each under its name. */
function compileChecks(schemas: Record<string, object>): string {
  const ajv = new Ajv({ ...schemaOptions, code: { source: true, esm: true } });
  for (const [name, schema] of Object.entries(schemas)) ajv.addSchema(schema, name);
  return standaloneCode.default(ajv, Object.fromEntries(Object.keys(schemas).map((name) => [name, name])));
}
