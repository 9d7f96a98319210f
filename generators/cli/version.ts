import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../catalog/root.js';

// The package has its version in its code: see generators/build.

const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8');

/** The version of create-osgs. */
export const version = (JSON.parse(text) as { version: string }).version;
