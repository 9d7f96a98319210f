import { relative } from 'node:path';
import ejs from 'ejs';
import type { Template } from '../stack/render.js';
import type { Replaced } from './replaced.js';

/**
 * The templates as one CommonJS file: each one's text, or its function where it is EJS. A function of EJS uses `with`,
 * which a module may not; the engine reads the body of one only when it is called.
 */
export function templateModule(templates: Template[], root: string): Replaced {
  const entries = templates.map((template) => {
    const { path, text, file, service } = template;
    const known = { path, file: relative(root, file), ejs: template.ejs, service };
    const head = JSON.stringify(known).slice(0, -1);
    return template.ejs
      ? `${head},text:'',run:${functionOf(text)}}`
      : `${head},text:${JSON.stringify(text)}}`;
  });
  const code = `import { createRequire } from 'node:module';
export const ownTemplates = () => createRequire(import.meta.url)('./templates.cjs');
`;
  return { code, file: { name: 'templates.cjs', content: `module.exports=[\n${entries.join(',\n')}\n];\n` } };
}

/** A template as the source of a function. */
export function functionOf(text: string): string {
  const template = new (ejs.Template as unknown as new (text: string, options: object) => CompiledTemplate)(
    text,
    { compileDebug: false },
  );
  template.compile();
  return `function(locals,escapeFn){${template.source}}`;
}

interface CompiledTemplate {
  source: string;
  compile(): unknown;
}
