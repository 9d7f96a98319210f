import schema from './osgs.schema.js';
import { compileSchema, type Validate } from './schema.js';

// The package has this check as code, made by ajv when it is built: see generators/build.

export const validateAnswers: Validate = compileSchema(schema);
