// The names of unpacked layers: each layer's chain id tells it and all layers below it (OCI image spec, 'ChainID').
import { createHash } from 'node:crypto';

/** One id per layer, the lowest first; the last is that of the whole. */
export function chainIds(diffIds: readonly string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    const text = `${below} ${diffId}`;
    chain.push(below === undefined ? diffId : `sha256:${createHash('sha256').update(text).digest('hex')}`);
  }
  return chain;
}
