import type { Member } from "../cluster/member.ts";
import type { ArrivalCourse } from "../load/arrival_schedule.ts";
import type { ClassMix } from "../load/class_mix.ts";
import type { ClassCounts } from "../load/dispatcher.ts";
import { isOpen, type Plan } from "../load/plan.ts";
import { Allocation, type AllocationOptions } from "./allocation.ts";
import { ArrivalAllocation, type ArrivalAllocationOptions } from "./arrival_allocation.ts";

/** What a staffing needs of the run. */
export interface StaffingOptions
  extends
    Omit<AllocationOptions, "stopTimeout">,
    Omit<ArrivalAllocationOptions, "stopTimeout" | "terms"> {
  readonly plan: Plan;
  readonly mix: ClassMix;
}

/** What each worker is told to do, in either model. */
export class Staffing {
  readonly #users: Allocation;
  readonly #passes: ArrivalAllocation;
  readonly #mix: ClassMix;
  /** Whether passes begin on a schedule, so that no worker is told how many users to run. */
  readonly #isOpen: boolean;

  /** Users that ran when another master of this run was there last. */
  #taken = 0;

  constructor(options: StaffingOptions) {
    const { plan, mix } = options;
    const { stopTimeout } = plan;
    this.#users = new Allocation({ ...options, stopTimeout });
    this.#passes = new ArrivalAllocation({ ...options, stopTimeout, terms: plan });
    this.#mix = mix;
    this.#isOpen = isOpen(plan);
  }

  /** Users that were taken up, see {@link restore}. */
  get taken(): number {
    return this.#taken;
  }

  /**
   * Takes up what was assigned before, by incarnation, and tells nobody. Passes that are under way
   * nobody has to take up.
   */
  restore(assigned: ReadonlyMap<string, Readonly<Record<string, number>>>): void {
    if (this.#isOpen) return;
    this.#taken = this.#users.restore(
      assigned,
      (users) => this.#mix.counts(Math.min(users, this.#mix.limit)),
    );
  }

  /** Whether everybody has heard what it is to do. Passes that are not heard of begin late. */
  get settled(): boolean {
    return this.#isOpen || this.#users.settled;
  }

  /** Sets the rate at which users are started and stopped, in users a second. */
  pace(rate: number): void {
    this.#users.pace(rate);
  }

  /** Makes so many users of each class run in the whole cluster. */
  aim(counts: ClassCounts): void {
    this.#users.aim(counts);
  }

  /** Makes passes begin by this course, with so many users at most in the whole cluster. */
  arrive(course: ArrivalCourse, maxUsers: number): void {
    this.#passes.arrive(course, maxUsers);
  }

  /** Takes into account who has come and who has gone. */
  rebalance(): void {
    if (this.#isOpen) this.#passes.rebalance();
    else this.#users.rebalance();
  }

  /** A member has heard what it was told. */
  heard(member: Member, revision: number): void {
    if (!this.#isOpen) this.#users.heard(member, revision);
  }

  /** Tells a member, which may have missed it, what it should do. */
  repeat(member: Member): void {
    if (this.#isOpen) this.#passes.repeat(member);
    else this.#users.repeat(member);
  }

  /** Tells nobody any more. */
  end(): void {
    this.#users.end();
  }
}
