import { readFileSync } from 'node:fs';
import { relative, sep } from 'node:path';
import type { Template } from '../stack/render.js';
import { listFiles } from './disk.js';

/** Reads every template below a folder, whose place in the emitted repository is `under`. */
export function readTemplates(folder: string, under = ''): Template[] {
  return listFiles(folder).map((file) => {
    const path = [under, ...relative(folder, file).split(sep)].filter((part) => part !== '').join('/');
    // npm renames or drops dotfiles in a package: they are called dot-NAME here.
    const named = path.replace(/(^|\/)dot-/, '$1.');
    return {
      path: named.replace(/\.ejs$/, ''),
      text: readFileSync(file, 'utf8'),
      file,
      ejs: named.endsWith('.ejs'),
    };
  });
}
