import type { Member } from "../cluster/member.ts";
import type { Report } from "../cluster/report_message.ts";

/** Who hears of what happens in a hall of workers. */
export interface HallHooks {
  /** Those who can run users are others than before. */
  onStaffChange(): void;
  /** A worker may have missed what it was told. */
  onReturn(member: Member): void;
  /** A worker has heard what it was told to do. */
  onHeard(member: Member, revision: number): void;
  /** A worker's report was counted. */
  onReport(member: Member, report: Report): void;
  /** A worker has said how it is. @param elapsedSeconds how long it takes the test to have lasted. */
  onState(elapsedSeconds: number): void;
}
