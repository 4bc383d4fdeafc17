// What `berth doctor` found out about one thing.
export interface Finding {
  readonly check: string;
  /** FAIL: containers cannot run. WARN: something that a part of Berth needs is missing. */
  readonly status: 'OK' | 'WARN' | 'FAIL';
  readonly detail: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** Never throws: a check that cannot be made is a warning. */
export type Check = () => Finding[] | Promise<Finding[]>;

export function ok(check: string, detail: string): Finding {
  return { check, status: 'OK', detail };
}

export function warn(check: string, detail: string, advice: string): Finding {
  return { check, status: 'WARN', detail, advice };
}

export function fail(check: string, detail: string, advice: string): Finding {
  return { check, status: 'FAIL', detail, advice };
}
