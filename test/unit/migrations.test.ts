import { expect, test } from '@jest/globals';
import { compareVersions, pendingMigrations } from '../../generators/stack/migrations.js';

test('versions are ordered as semver says, and pre-releases come before their release', () => {
  const ordered = ['0.1.0', '0.2.0-beta.2', '0.2.0-beta.10', '0.2.0', '0.10.0', '1.0.0'];
  const shuffled = ['1.0.0', '0.2.0', '0.10.0', '0.2.0-beta.10', '0.1.0', '0.2.0-beta.2'];
  expect(shuffled.sort(compareVersions)).toEqual(ordered);
  expect(compareVersions('1.2.3', '1.2.3+build')).toBe(0);
});

test('a repository needs the migrations after its own version, up to the one that runs', () => {
  const all = ['0.2.0', '0.3.0', '1.0.0', '2.0.0'].map((version) => ({ version }));
  expect(pendingMigrations('0.2.0', '1.0.0', all).map(({ version }) => version)).toEqual(['0.3.0', '1.0.0']);
  expect(pendingMigrations('1.0.0', '1.0.0', all)).toEqual([]);
});
