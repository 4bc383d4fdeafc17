// Loaded into a program ahead of it (node --import): leaves the code cache of its bundle when it ends, and with it the
// functions that it ran.
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import vm from 'node:vm';
import { isMainThread } from 'node:worker_threads';
import { writeCodeCache } from '../dist/src/base/code-cache.js';

const { Script } = vm;
const { writeSync } = fs;
let bundle;

if (isMainThread) {
  vm.Script = class extends Script {
    constructor(source, options) {
      super(source, options);
      bundle ??= { script: this, filename: options.filename };
    }
  };
  process.on('exit', record);
  // The zygote leaves without Node's ending; all its work is done when it reports that it is ready.
  fs.writeSync = (fd, text, ...more) => {
    if (String(text).startsWith('{"kind":"ready"')) record();
    return writeSync(fd, text, ...more);
  };
}

function record() {
  const { script, filename } = bundle;
  writeCodeCache(join(dirname(filename), 'program.cache'), fs.readFileSync(filename), script.createCachedData());
}
