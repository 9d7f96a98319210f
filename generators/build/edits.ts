import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Lines of bundled packages that read a file beside them, which is not there in a bundle: what they say instead. */
export function edits(root: string): Record<string, [from: string, to: string][]> {
  const version = (name: string): string => {
    const text = readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8');
    return JSON.stringify((JSON.parse(text) as { version: string }).version);
  };
  return {
    'node_modules/yeoman-environment/dist/environment-base.js': [
      ["require('../package.json').version", version('yeoman-environment')],
    ],
    'node_modules/yeoman-generator/dist/generator.js': [
      [
        "JSON.parse(readFileSync(pathJoin(_dirname, '../package.json'), 'utf8'))",
        `{ version: ${version('yeoman-generator')} }`,
      ],
    ],
  };
}

/** A text with its edits. Throws where a line is not there: the package has changed, and the edit must be looked at. */
export function edited(file: string, text: string, changes: [from: string, to: string][]): string {
  return changes.reduce((now, [from, to]) => {
    if (!now.includes(from)) throw new Error(`${file} no longer holds: ${from}`);
    return now.replace(from, () => to);
  }, text);
}
