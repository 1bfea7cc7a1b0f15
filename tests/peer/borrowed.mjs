// borrowed: loads the npm packages pinned in this folder, for every test folder, and says what to do when they are absent.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

export function borrow(name) {
  try {
    return require(name);
  } catch (e) {
    if (e.code !== 'MODULE_NOT_FOUND') throw e;
    throw new Error(`npm package ${name} is not installed; run: scripts/npm.sh`);
  }
}
