/** Seconds as a person says them, such as `45 s`, `12 min` and `2 h 5 min`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 90) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  return minutes < 90 ? `${minutes} min` : `${hours(minutes)} ${minutes % 60} min`;
}

/** The same to a tenth of a second, or a second: what something took, such as `9.4 s` and `12 min 3 s`. */
export function exactDuration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${hours(minutes)} ${minutes % 60} min`;
}

function hours(minutes: number): string {
  return `${Math.floor(minutes / 60).toLocaleString('en-US')} h`;
}
