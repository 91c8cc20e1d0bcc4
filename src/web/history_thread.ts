/**
 * The thread that makes reports and comparisons of earlier runs for the dashboard: a comparison of many names can
 * take seconds, in which no user of the run in progress would get its responses.
 *
 * @module
 */

import { errorText, UsageError } from "../core/errors.ts";
import { encodedParts } from "../core/text.ts";
import {
  comparisonBody,
  type HistoryBody,
  reportBody,
  type SummaryText,
} from "./history_content.ts";

/** What the thread is to make. */
export type HistoryTask =
  | { readonly kind: "report"; readonly run: SummaryText }
  | { readonly kind: "compare"; readonly a: SummaryText; readonly b: SummaryText };

/** What it has made, or why it could not. */
export type HistoryReply =
  | {
    readonly parts: readonly Uint8Array<ArrayBuffer>[];
    readonly policy: string | null;
  }
  | {
    readonly problem: string;
    /** Whether the summary is to blame. */
    readonly isUsage: boolean;
  };

async function made(task: HistoryTask): Promise<HistoryBody> {
  return task.kind === "report" ? await reportBody(task.run) : comparisonBody(task);
}

async function reply(task: HistoryTask): Promise<HistoryReply> {
  try {
    const { parts, policy } = await made(task);
    return { parts: [...encodedParts(parts)], policy };
  } catch (error) {
    return { problem: errorText(error), isUsage: error instanceof UsageError };
  }
}

const thread = globalThis as unknown as {
  onmessage: ((event: MessageEvent<HistoryTask>) => void) | null;
  postMessage(reply: HistoryReply): void;
};

thread.onmessage = ({ data }) => void reply(data).then((answer) => thread.postMessage(answer));
