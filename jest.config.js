const engine = process.env.OSGS_LANE === 'engine';

export default {
  testEnvironment: 'node',
  roots: [engine ? '<rootDir>/dist/test/engine' : '<rootDir>/dist/test'],
  testMatch: ['**/*.test.js'],
  testPathIgnorePatterns: engine ? [] : ['/dist/test/engine/'],
  setupFiles: ['<rootDir>/dist/test/seed.js'],
  transform: {},
  testTimeout: 120000,
};
