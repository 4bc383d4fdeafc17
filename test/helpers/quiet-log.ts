// A log that says nothing.
import type { Log } from '../../src/base/log.js';

const nothing = (): void => undefined;

export const quietLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => quietLog };
