// --detach-keys, which run, exec and attach have.
import { Option } from 'commander';
import { defaultDetachKeys, parseDetachKeys } from './parse/detach-keys.js';

export function detachKeysOption(): Option {
  return new Option('--detach-keys <keys>', 'typed at a terminal, they leave it running; empty: none')
    .argParser(parseDetachKeys)
    .default(parseDetachKeys(defaultDetachKeys), defaultDetachKeys);
}
