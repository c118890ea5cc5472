/** A limit of time for work that other people's patterns and templates do: without one, a regular expression can run for years. */
import { createContext, Script } from 'node:vm';

const context = createContext({ work: () => {} });
const script = new Script('work()');

/**
 * The result of `work`, or `null` where it took longer than `milliseconds` and was stopped. Work that depends on
 * nothing else must be stoppable anywhere: it ends in the middle of a statement, and no `catch` or `finally` of it runs.
 */
export function withinTime<T>(milliseconds: number, work: () => T): { readonly result: T } | null {
  let result: T | undefined;
  context.work = () => {
    result = work();
  };
  try {
    // Only code run through this module can be interrupted from outside; what it calls is interrupted with it.
    script.runInContext(context, { timeout: milliseconds });
  } catch (error) {
    if ((error as NodeJS.ErrnoException | undefined)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return null;
    throw error;
  }
  return { result: result as T };
}
