import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { packageRoot } from '../../catalog/root.js';

test('every action is pinned by its commit, with its version in a comment, in our workflows and in the emitted ones', () => {
  const folders = ['.github/workflows', 'templates/dot-github/workflows'].map((name) =>
    join(packageRoot(), name),
  );
  const uses = folders.flatMap((folder) =>
    readdirSync(folder).flatMap((name) =>
      readFileSync(join(folder, name), 'utf8')
        .split('\n')
        .filter((line) => /^\s*(- )?uses:/.test(line)),
    ),
  );
  expect(uses.length).toBeGreaterThan(2);
  expect(uses.filter((line) => !/uses: [\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual(
    [],
  );
});
