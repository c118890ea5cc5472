/**
 * Does some work and counts the seconds of processor time it takes: unlike those of a clock, they do not pass while other
 * programs run.
 */
export async function cpuTimeOf<T>(work: () => T | Promise<T>): Promise<{ result: T; seconds: number }> {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return { result, seconds: (user + system) / 1e6 };
}
