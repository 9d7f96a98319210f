import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { createOsgs, emptyFolder } from '../run.js';

test.each(['städtische Karten', 'maps [2026] (old) {a,b}', '!x*?', "l'IGN $HOME"])(
  'a stack is made, changed and put back in a folder called %s',
  (name) => {
    const folder = join(emptyFolder(), name);
    mkdirSync(folder);
    const osgs = (...args: string[]): void => {
      expect(createOsgs([...args, '--yes'], { cwd: folder })).toMatchObject({ code: 0 });
    };
    osgs('.', '--services', 'hugo,mapproxy', '--domain', 'gis.example.org');
    const route = join(folder, 'nginx/routes/mapproxy.conf');
    expect(existsSync(route)).toBe(true);
    osgs('remove', 'mapproxy');
    expect(existsSync(route)).toBe(false);
    osgs('undo');
    expect(existsSync(route)).toBe(true);
  },
);
