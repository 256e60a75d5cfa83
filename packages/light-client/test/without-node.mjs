// Takes away what a browser does not have; for `node --import`.
import { isBuiltin, registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    if (isBuiltin(specifier)) throw new Error(`${context.parentURL} imports ${specifier}`);
    return next(specifier, context);
  },
});
for (const name of ['Buffer', 'process', 'global', 'setImmediate', 'require']) delete globalThis[name];
