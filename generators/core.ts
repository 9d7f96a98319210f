// The pure core, for other programs: `import { resolve, render } from 'create-osgs'`. What is exported here is a promise:
// test/package/api.d.ts is the reviewed list of it.

export { loadCatalog } from '../catalog/load.js';
export { loadTemplates } from './repository/templates.js';
export { formatAnswers, parseAnswers } from './stack/answers.js';
export { formatProblem, ProblemError } from './stack/problem.js';
export { render } from './stack/render.js';
export { resolve } from './stack/resolve.js';

export type { Catalog, CatalogService, Preset } from '../catalog/service.js';
export type { Answers, AnswersFile, DomainAnswer, SettingValue } from './stack/answers.js';
export type { Locate, Problem } from './stack/problem.js';
export type { FileSet, OutputFile, Rendered, Template } from './stack/render.js';
export type { Stack } from './stack/stack.js';
