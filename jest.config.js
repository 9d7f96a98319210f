export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/dist/test'],
  testMatch: ['**/*.test.js'],
  testPathIgnorePatterns: process.env.OSGS_LANE === 'engine' ? [] : ['/engine/'],
  transform: {},
  testTimeout: 120000,
};
