// How often each way of launching a shim has done its work, and how often it has not.
export interface LaunchCounts {
  /** Best first. */
  readonly rungs: readonly RungCounts[];
  /** Where there is one to fork shims from. */
  readonly zygote: ZygoteCounts | undefined;
}

export interface RungCounts {
  readonly name: string;
  readonly launched: number;
  readonly failed: number;
}

export interface ZygoteCounts {
  /** Undefined while one that has ended is not replaced yet. */
  readonly pid: number | undefined;
  readonly restarts: number;
  /** Forks beyond a launch's first. */
  readonly repeatedForks: number;
}
