import { expect, test } from '@jest/globals';
import { loadCatalog } from '../../catalog/load.js';

test('no task lets Compose recreate a container that scripts/networks.sh has connected while it runs', () => {
  // `run` and `up` look at the dependencies, too, and recreate what differs from its definition.
  const commands = [...loadCatalog().values()].flatMap(({ id, tasks = [] }) =>
    tasks.flatMap(({ run }) => run.map((command) => `${id}: ${command}`)),
  );
  const composed = commands.filter((command) => /docker compose (run|up) /.test(command));
  expect(composed.length).toBeGreaterThan(20);
  expect(composed.filter((command) => !/docker compose (run|up) .*--no-deps /.test(command))).toEqual([]);
});
