import type { Member } from "../cluster/member.ts";
import { GeneratorWatch } from "../stats/generator_watch.ts";

/** Watches whether workers keep up with the load that they generate, by what they report. */
export class StaffWatch {
  readonly #watches = new Map<Member, GeneratorWatch>();

  /** What the person who runs the test should know of a worker that has just reported a second. */
  note(member: Member): string[] {
    const watch = this.#watches.get(member) ?? new GeneratorWatch(`Worker ${member.id}`);
    this.#watches.set(member, watch);
    return watch.note({ cpu: member.cpu, lagMs: member.lagMs });
  }
}
