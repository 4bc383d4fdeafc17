// Makes dist/bin of the sources: each program as one file, so that it starts without looking for hundreds of modules
// (docs/adr/0019-bundles.md). tsc has checked them. Packages with native code stay outside, and so do those that are
// loaded late, by createRequire.
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(home, 'dist/bin');

const programs = {
  berthd: 'src/daemon/main.ts',
  berth: 'src/cli/main.ts',
  shim: 'shim/main.ts',
  zygote: 'shim/zygote/main.ts',
};
/** Beside the program that starts them. */
const threads = {
  'berthd/ingest-worker': 'src/images/content/ingest-worker.ts',
  'berthd/disk-worker': 'src/images/disk/disk-worker.ts',
};

/** classic-level looks for its native code beside itself. */
const nativeLevel = {
  name: 'native-level',
  setup(builder) {
    builder.onLoad({ filter: /\/classic-level\/binding\.js$/ }, () => ({
      contents: `module.exports = require('node-gyp-build')(require('node:path').dirname(require.resolve('classic-level')))`,
    }));
  },
};

const bundleUrl = (filename) => `const bundleUrl = require('node:url').pathToFileURL(${filename}).href;`;
const options = {
  absWorkingDir: home,
  outdir: out,
  bundle: true,
  write: false,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  external: ['koffi', 'node-gyp-build'],
  define: { 'import.meta.url': 'bundleUrl' },
  banner: { js: `'use strict';${bundleUrl('__filename')}` },
  // Comments go only with the white space, which comes back below.
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
  logOverride: { 'require-resolve-not-external': 'silent' },
  plugins: [nativeLevel],
};

rmSync(out, { recursive: true, force: true });
const files = await Promise.all([
  bundle({
    entryPoints: Object.fromEntries(Object.entries(programs).map(([name, main]) => [`${name}/program`, main])),
    // What src/base/run-bundle.ts calls.
    banner: { js: `(function (require, filename) {'use strict';${bundleUrl('filename')}` },
    footer: { js: '})' },
  }),
  bundle({ entryPoints: threads }),
]);
const start = await bundle({
  stdin: {
    contents: `import { runBundle } from './src/base/run-bundle.ts';\nrunBundle(__dirname, require);\n`,
    resolveDir: home,
  },
  banner: {},
});
for (const { path, text } of files.flat()) write(path, text);
for (const name of Object.keys(programs)) {
  const main = join(out, name, 'main.js');
  write(main, `#!/usr/bin/env node\n${start[0].text}`);
  chmodSync(main, 0o755);
}
// The package's own files are modules; these are not.
write(join(out, 'package.json'), '{"type":"commonjs"}\n');

/** Lines that a stack trace can name, and all in ASCII. */
async function bundle(more) {
  const { outputFiles } = await build({ ...options, ...more });
  return await Promise.all(
    outputFiles.map(async ({ path, text }) => ({
      path,
      text: (await transform(text, { target: options.target })).code,
    })),
  );
}

function write(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
