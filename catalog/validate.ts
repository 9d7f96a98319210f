import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileSchema, type Validate } from '../generators/stack/schema.js';
import { packageRoot } from './root.js';

// The package has these checks as code, made by ajv when it is built: see generators/build.

export const validateService = schemaOf('service');
export const validatePreset = schemaOf('preset');
export const validateNotOffered = schemaOf('not-offered');

function schemaOf(name: string): Validate {
  const file = join(packageRoot(), `catalog/schema/${name}.schema.json`);
  return compileSchema(JSON.parse(readFileSync(file, 'utf8')) as object);
}
