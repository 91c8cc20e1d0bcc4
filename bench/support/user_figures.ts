/**
 * Figures that show whether every user gets its turn, and whether reported latencies can be right.
 *
 * @module
 */

/**
 * How evenly users are served: p10 divided by p90 of the requests of each user. 1 is even; 0 means that a
 * tenth of the users did nothing. `null` without users.
 */
export function fairnessOf(requestsOfUsers: readonly number[]): number | null {
  if (requestsOfUsers.length === 0) return null;
  const sorted = requestsOfUsers.toSorted((a, b) => a - b);
  const [p10, p90] = [percentile(sorted, 0.1), percentile(sorted, 0.9)];
  return p90 === 0 ? 0 : p10 / p90;
}

/**
 * How far a reported latency is from what Little's law says: users that do nothing but send requests have a
 * mean latency of users ÷ rate. 0.1 means 10 % more. The law is about the mean. If all users are served
 * evenly, and the target always answers alike, the median is close to it as well.
 *
 * @param rate requests per second of all users.
 */
export function littleDeviation(latencyMs: number, users: number, rate: number): number {
  return latencyMs / (users / rate * 1000) - 1;
}

/** The smallest value that at least this share of the values does not exceed. @param sorted ascending. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!;
}
