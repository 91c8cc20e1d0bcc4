import type { RestoredRun } from "../cluster/restored_run.ts";
import type { Events } from "../core/events.ts";
import type { ClassMix } from "../load/class_mix.ts";
import type { Plan } from "../load/plan.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import type { ThresholdOptions } from "./threshold_watch.ts";
import type { HallOptions } from "./worker_hall.ts";

/** Everything that a master needs and does not make itself. */
export interface MasterRunOptions
  extends Omit<HallOptions, "book" | "info" | "warn">, ThresholdOptions {
  readonly runId: string;
  /** SHA-256 of the test file's text, as hexadecimal digits. */
  readonly testfileHash: string;
  /** What another master of this run has left; null where the run is new. */
  readonly restored: RestoredRun | null;
  readonly plan: Plan;
  /** Names of the user classes, in the order of {@link mix}. */
  readonly classNames: readonly string[];
  readonly mix: ClassMix;
  /** The test begins when so many workers are ready. */
  readonly expectedWorkers: number;
  /** How long they are waited for; 0: for ever. */
  readonly expectSeconds: number;
  /** Drop what was counted before the first target number of users ran. */
  readonly resetStats: boolean;
  /** The test begins only when somebody says so. */
  readonly waitsForStart: boolean;
  readonly events: Events;
  /** Warnings that are known before the start. */
  readonly warnings: readonly string[];
  /** Called once a second. */
  readonly onSecond: (snapshot: Snapshot) => void;
  /** Called with what is good to know. */
  readonly onInfo: (text: string) => void;
  /** Called with each new warning. */
  readonly onWarning: (text: string) => void;
}
