import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createOsgs, emptyFolder, readTree, type Ran } from '../run.js';

/** A stack in a folder of its own, as its owner edits it and runs create-osgs in it. */
export class StackFolder {
  readonly folder: string;

  constructor() {
    this.folder = join(emptyFolder(), 'gis');
    const args = [this.folder, '--yes', '--services', 'postgis,qgis-server', '--domain', 'gis.example.org'];
    const ran = createOsgs(args);
    if (ran.code !== 0) throw new Error(ran.stderr);
  }

  osgs(...args: string[]): Ran {
    return createOsgs(args, { cwd: this.folder });
  }

  file(path: string): string {
    return join(this.folder, path);
  }

  read(path: string): string {
    return readFileSync(this.file(path), 'utf8');
  }

  edit(path: string, from: string | RegExp, to: string): void {
    const text = this.read(path);
    const edited = text.replace(from, to);
    if (edited === text) throw new Error(`${path} has no ${String(from)}`);
    writeFileSync(this.file(path), edited);
  }

  /** The tree but for what is of this machine alone. */
  tree(but: string[] = []): ReturnType<typeof readTree> {
    const files = readTree(this.folder);
    for (const path of [...files.keys()])
      if (path.startsWith('.osgs/local/') || path.startsWith('.git/') || but.includes(path))
        files.delete(path);
    return files;
  }
}
