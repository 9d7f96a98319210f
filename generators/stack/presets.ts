import type { Catalog, Preset } from '../../catalog/service.js';
import type { Answers } from './answers.js';
import { nearest } from './near.js';
import type { Locate, Problem } from './problem.js';

/** The preset that the answers name; undefined where they name none, or one that does not exist, which is a problem. */
export function findPreset(
  answers: Partial<Answers>,
  catalog: Catalog,
  problems: Problem[],
  locate: Locate,
): Preset | undefined {
  if (!answers.preset) return undefined;
  const preset = catalog.presets.get(answers.preset);
  if (!preset) {
    const near = nearest(answers.preset, catalog.presets.keys());
    problems.push(
      locate(
        ['preset'],
        `there is no preset '${answers.preset}'`,
        near.length > 0
          ? `Did you mean ${near.join(' or ')}?`
          : `There are: ${[...catalog.presets.keys()].join(', ')}.`,
      ),
    );
  }
  return preset;
}

/** The answers with the services and settings of a preset beside their own; what the answers say goes first. */
export function withPreset(answers: Partial<Answers>, preset: Preset): Partial<Answers> {
  const settings = structuredClone(answers.settings ?? {});
  for (const [id, values] of Object.entries(preset.settings ?? {}))
    settings[id] = { ...values, ...settings[id] };
  return {
    ...answers,
    preset: preset.id,
    services: [...new Set([...(answers.services ?? []), ...preset.services])],
    settings,
  };
}
