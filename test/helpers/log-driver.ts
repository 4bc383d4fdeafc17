// Small log drivers for binary:// URIs, each a program that writes what it gets to files beside itself.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { poll } from '../../src/base/deadline.js';

/** Says that it is ready as containerd's own logging package does, by closing descriptor 5. */
const keepBoth = 'exec 5>&-; /bin/cat <&4 >>"$d/err" & /bin/cat <&3 >>"$d/out"; wait; echo ended >>"$d/end"';

export class TestDriver {
  readonly path: string;

  /** `body` runs with `$d` as `directory`. */
  constructor(
    readonly directory: string,
    body = keepBoth,
  ) {
    this.path = join(directory, 'driver');
    const facts = 'echo "$CONTAINER_NAMESPACE $CONTAINER_ID $* $$" >>"$d/start"; env >"$d/env"';
    writeFileSync(this.path, `#!/bin/sh\nd=${directory}\n${facts}\n${body}\n`, { mode: 0o755 });
  }

  uri(query = ''): string {
    return `binary://${this.path}${query}`;
  }

  /** What it has written to the file `name`. */
  text(name: string): string {
    const path = join(this.directory, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  async waitFor(name: string, pattern: RegExp): Promise<string> {
    const probe = () => (pattern.test(this.text(name)) ? this.text(name) : undefined);
    return await poll(probe, { limitMs: 10_000, intervalMs: 10, what: `${pattern} in ${name} of the driver` });
  }
}
