/**
 * How a test file writes a threshold that can end the run.
 *
 * @module
 */

/**
 * A threshold of a test file that can end the run, as `export const thresholds` has it besides plain strings.
 *
 * ```ts
 * import { type ThresholdRule, User } from "aiotest";
 *
 * const slow: ThresholdRule = { threshold: "p95<200ms", abort: true, after: "10s" };
 *
 * export const thresholds = ["error_rate<1%", slow];
 *
 * export class ShopTest extends User {
 *   async testShop(): Promise<void> {
 *     await this.sleep(1);
 *   }
 * }
 * ```
 */
export interface ThresholdRule {
  /** The threshold, such as `p95<200ms`. */
  readonly threshold: string;
  /** Whether the run ends as soon as it is crossed. Default: only with `--abort-on-threshold`. */
  readonly abort?: boolean;
  /**
   * How long after its start the run is not ended by it: seconds, or a text such as `10s` or `1m`. Default: the
   * value of `--abort-after`, which is 0.
   */
  readonly after?: number | string;
}
