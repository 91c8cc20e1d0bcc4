/**
 * The requests of a user whose every step is shown.
 *
 * @module
 */

import type { EndedGroup } from "../stats/group_stats.ts";
import type { OpenGroup } from "./groups.ts";
import type { FlowObserver } from "./observers.ts";
import type { Recorder } from "./recorder.ts";
import { type PendingSample, type UserProgress, UserRequests } from "./user_requests.ts";

/** Tells an observer of groups, checks and errors. */
export class ShownRequests extends UserRequests {
  readonly #flow: FlowObserver;

  /** @param id of the user. */
  constructor(recorder: Recorder, id: number, progress: UserProgress, flow: FlowObserver) {
    super(recorder, id, progress);
    this.#flow = flow;
  }

  override startGroup(name: string, startedAt: number): OpenGroup {
    const group = super.startGroup(name, startedAt);
    this.#flow.happened({ kind: "group", name: group.name });
    return group;
  }

  protected override groupEnded(group: EndedGroup): void {
    this.#flow.happened({ kind: "groupEnded", group });
  }

  override check(name: string, ok: unknown): boolean {
    const passed = super.check(name, ok);
    if (!this.closed) this.#flow.happened({ kind: "check", name, passed });
    return passed;
  }

  override checkThrew(thrown: unknown): void {
    this.#flow.happened({ kind: "threw", thrown });
  }

  override fail(sample: PendingSample, thrown: unknown): void {
    // The error of an exchange is shown with it.
    if (sample.exchanges === null) this.#flow.happened({ kind: "threw", thrown });
    super.fail(sample, thrown);
  }
}
