import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv';

/** A check of a value against a JSON Schema: says whether it holds, and leaves what is wrong in `errors`. */
export interface Validate {
  (data: unknown): boolean;
  errors?: ErrorObject[] | null;
}

export const schemaOptions: Options = {
  allErrors: true,
  strict: true,
  allowUnionTypes: true,
  strictRequired: false,
  strictTypes: false,
};

/** Compiles a JSON Schema once. Throws where the schema itself is wrong. */
export function compileSchema(schema: object): ValidateFunction {
  return new Ajv(schemaOptions).compile(schema);
}
