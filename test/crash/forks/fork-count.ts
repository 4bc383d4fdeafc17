// What became of the shims that `fork-shims.ts` has forked.
export interface ForkCount {
  readonly node: string;
  readonly launches: number;
  /** Launches that took a second child of the zygote. */
  readonly retries: number;
  /** Forks that were repeated, as the child lacked a mapping. */
  readonly secondForks: number;
  /** Zygotes that ended. */
  readonly restarts: number;
  /** What a caller would have seen. */
  readonly failures: readonly string[];
}
