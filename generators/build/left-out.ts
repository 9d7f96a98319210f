/**
 * Packages, and modules of packages, that no run of create-osgs comes to: Yeoman looks for generators, installs packages
 * and asks git in ways that ours do not use. In the bundle each is a module whose every export throws when it is called.
 */
export const leftOut: Record<string, string> = {
  // yeoman-environment: generators are neither looked for nor installed, and Yeoman has no command line of its own.
  commander: 'reads the command line of yo',
  'which-package-manager': 'chooses what installs packages',
  '@yeoman/conflicter': 'asks file by file while it writes: our commit stands in its place',
  './module-lookup.js': 'looks for generators on the disk',
  // yeoman-generator
  execa: 'runs programs',
  'simple-git': 'runs git',
  'latest-version': 'asks the npm registry',
  // mem-fs-editor
  multimatch: 'chooses files by pattern',
  tinyglobby: 'looks for files by pattern',
  // Kinds of prompts that the wizard does not have.
  '@inquirer/editor': 'a prompt',
  '@inquirer/expand': 'a prompt',
  '@inquirer/number': 'a prompt',
  '@inquirer/password': 'a prompt',
  '@inquirer/rawlist': 'a prompt',
  '@inquirer/search': 'a prompt',
};

/** Packages that are called in every run, and do nothing for ours: what does as little stands in their place. */
export const standIns: Record<string, string> = {
  // Where generators would be installed to.
  'fly-import':
    'exports.FlyRepository = class {}; exports.flyImport = () => Promise.reject(new Error("absent"));',
  // A spinner, which a run that writes in an instant does not show.
  ora: 'module.exports = () => ({ isSpinning: false, start() {}, stop() {}, succeed() {} });',
  // The name and version under which Yeoman would remember answers: nothing is remembered.
  'read-package-up': 'exports.readPackageUpSync = () => undefined;',
};

/** The module that stands in the place of one that is left out. */
export function absentModule(name: string): string {
  return `function absent() { throw new Error(${JSON.stringify(`${name} is not part of create-osgs`)}); }
module.exports = Object.create(new Proxy(absent, { get: (_target, key) => (key === '__esModule' ? false : absent) }));
`;
}
