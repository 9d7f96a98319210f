import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

interface Package {
  name: string;
  version: string;
  license?: string;
  author?: string | { name: string };
}

/** A package of which something is in the bundle. */
export interface BundledPackage extends Package {
  /** Its folder, from the top of the repository. */
  folder: string;
}

/** Packages under the MIT licence that ship no text of it. */
const withoutText = ['grouped-queue', 'mem-fs', 'mem-fs-editor'];

/**
 * The names and licence texts of all packages of which something is in the bundle. Throws where a package has no licence
 * text: nobody may pass it on then.
 */
export function licences(root: string, packages: BundledPackage[]): string {
  // Licence text to the packages that are under it.
  const texts = new Map<string, string[]>();
  for (const about of packages) {
    const { folder } = about;
    const files = readdirSync(join(root, folder)).filter((name) =>
      /^(licen[cs]e|copying|notice)/i.test(name),
    );
    const text = files.map((name) => readFileSync(join(root, folder, name), 'utf8').trim()).join('\n\n');
    if (text === '' && !(withoutText.includes(about.name) && about.license === 'MIT'))
      throw new Error(`${folder} is in the bundle, and has no licence text`);
    const title = `${about.name} ${about.version} (${about.license ?? 'see its text'})`;
    const own = text === '' ? mitText(about) : text;
    texts.set(own, [...(texts.get(own) ?? []), title]);
  }
  const rule = '-'.repeat(80);
  const parts = [...texts]
    .map(([text, titles]) => `${titles.sort().join('\n')}\n\n${text}\n`)
    .sort((a, b) => (a < b ? -1 : 1));
  return `The code of create-osgs holds parts of these packages, each under its own licence.\n\n${rule}\n${parts.join(`\n${rule}\n`)}`;
}

/** The packages of which something is in the bundle. One that is there in two versions is in the list twice. */
export function bundledPackages(root: string, metafiles: Metafile[]): BundledPackage[] {
  const folders = new Set<string>();
  for (const { outputs } of metafiles)
    for (const { inputs } of Object.values(outputs))
      for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
        const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0];
        if (folder !== undefined && bytesInOutput > 0) folders.add(folder);
      }
  return [...folders].map((folder) => {
    const about = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Package;
    return { ...about, folder };
  });
}

/** https://spdx.org/licenses/MIT.html, with the author that the package names. */
function mitText({ author = '' }: Package): string {
  const holder = (typeof author === 'string' ? author : author.name).replace(/ *<.*/, '');
  if (holder === '') throw new Error('a package under the MIT licence names no author');
  return `MIT License

Copyright (c) ${holder}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;
}
