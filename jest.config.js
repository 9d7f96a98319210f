// The lanes: `engine` needs a Docker engine, `package` a registry and several versions of Node.
const lanes = ['engine', 'package'];
const lane = process.env.OSGS_LANE;

export default {
  testEnvironment: 'node',
  roots: [lane === undefined ? '<rootDir>/dist/test' : `<rootDir>/dist/test/${lane}`],
  testMatch: ['**/*.test.js'],
  testPathIgnorePatterns: lane === undefined ? lanes.map((name) => `/dist/test/${name}/`) : [],
  setupFiles: ['<rootDir>/dist/test/seed.js'],
  transform: {},
  testTimeout: 120000,
};
