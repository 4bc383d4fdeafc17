// Objects of one namespace and who keeps whom; from the roots, what is kept.
import type { NodeKey, ObjectKind } from './references.js';
import { nodeKey } from './references.js';

export class Graph {
  readonly #roots: NodeKey[] = [];
  readonly #edges = new Map<NodeKey, NodeKey[]>();

  addRoot(node: NodeKey): void {
    this.#roots.push(node);
  }

  /** `from` keeps `to`. Either may be of something that is not there. */
  addEdge(from: NodeKey, to: NodeKey): void {
    const edges = this.#edges.get(from);
    if (edges === undefined) this.#edges.set(from, [to]);
    else edges.push(to);
  }

  /** Everything that can be reached from a root. */
  kept(): Kept {
    const seen = new Set<NodeKey>();
    const open = [...this.#roots];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (seen.has(node)) continue;
      seen.add(node);
      open.push(...(this.#edges.get(node) ?? []));
    }
    return (kind, id) => seen.has(nodeKey(kind, id)) || seen.has(nodeKey(kind, id, true));
  }
}

export type Kept = (kind: ObjectKind, id: string) => boolean;
