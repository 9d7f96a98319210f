import { tlsModes } from './tls.js';

const names = { type: 'array', items: { type: 'string' }, uniqueItems: true };

/** The JSON Schema of `osgs.yaml`. */
export default {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'The answers of a create-osgs stack',
  type: 'object',
  additionalProperties: false,
  properties: {
    name: { type: 'string', pattern: '^[a-z0-9][a-z0-9_-]*$', maxLength: 40 },
    preset: { type: 'string' },
    services: names,
    domains: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['host'],
        properties: { host: { type: 'string' }, aliases: names, owner: { type: 'string' }, services: names },
      },
    },
    tls: { enum: tlsModes },
    email: { type: 'string', pattern: '^[^@\\s<>"]+@[^@\\s<>"]+$' },
    expose: { type: 'object', additionalProperties: { type: 'string' } },
    settings: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        additionalProperties: { type: ['string', 'number', 'boolean'] },
      },
    },
  },
};
