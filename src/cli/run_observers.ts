/**
 * What observes single requests and exchanges on one node, as the options of its run ask for it.
 *
 * @module
 */

import { systemClock } from "../core/clock.ts";
import type { Host } from "../core/host.ts";
import { logger } from "../core/logger.ts";
import { MAX_FAILURE_SAMPLES, SAMPLES_PER_ERROR } from "../stats/failure_samples.ts";
import { FailureSampler } from "../user/failure_sampler.ts";
import type {
  ExchangeObserver,
  FlowObserver,
  Observers,
  RequestObserver,
} from "../user/observers.ts";
import type { Options } from "./options.ts";

/** The node whose requests are observed. */
export interface ObservedNode {
  readonly host: Host;
  /** Those of the node: on a worker, with what the master has sent. */
  readonly options: Options;
  /** Of the run. */
  readonly runId: string;
  /** Its name, such as `local`. */
  readonly node: string;
  /** Whether a master controls it. */
  readonly isWorker: boolean;
  /** Called if an output lacks a part, so that the exit code says so. */
  readonly onIncomplete: () => void;
  /** Outputs that are being written, for messages about what is lost if the process exits at once. */
  readonly growing: Set<string>;
  /** Prints lines above the live panel. */
  readonly print: (text: string) => void;
}

/** Observers of which the first learn of everything before the second. */
export function allObservers(
  { end, ...first }: RunObservers,
  second: Observers,
): RunObservers {
  return {
    ...first,
    ...second,
    requests: [...first.requests, ...second.requests],
    exchanges: [...first.exchanges, ...second.exchanges],
    end,
  };
}

/** An output that an option asks for. */
interface ObservingOutput {
  readonly requests?: RequestObserver;
  readonly exchanges?: ExchangeObserver;
  /** At most one output has it. */
  readonly flow?: FlowObserver;
  readonly inspectsTls?: true;
  /** Writes what is left, when all users have ended; resolves with warnings, a sentence each. Never rejects. */
  end(): Promise<readonly string[]>;
}

/** The observers of a node, which end with its users. */
export interface RunObservers extends Observers {
  readonly end: () => Promise<readonly string[]>;
}

/** Opens an output; `null` if the options do not ask for it. */
type OpenOutput = (node: ObservedNode) => Promise<ObservingOutput | null>;

/** All outputs that need observers, in the order in which they learn of a request. */
const OUTPUTS: readonly OpenOutput[] = [openTraceOutput, openSampleOutput, openHttpOutput];

async function openTraceOutput(node: ObservedNode): Promise<ObservingOutput | null> {
  if (node.options.traceContext === null) return null;
  const { openTraces } = await import("./trace_export.ts");
  return await openTraces(node);
}

async function openSampleOutput(
  { options: { samples, samplesOnly }, ...node }: ObservedNode,
): Promise<ObservingOutput | null> {
  if (samples === null) return null;
  const { openSamples } = await import("./samples.ts");
  const writer = await openSamples({
    ...node,
    clock: systemClock,
    info: (text) => logger.info(text),
    warn: (text) => logger.warn(text),
  }, { samples, samplesOnly });
  const growing = `the end of --samples ${samples}`;
  node.growing.add(growing);
  const end = async (): Promise<readonly string[]> => {
    const warnings = await writer.end();
    node.growing.delete(growing);
    return warnings;
  };
  return { requests: writer, end };
}

/** What keeps examples of failed requests. A worker sends few of them, because there may be many workers. */
function failuresOf(
  { options: { noFailureSamples, printSecrets: secrets }, node, isWorker }: ObservedNode,
): Pick<Observers, "failures"> {
  if (noFailureSamples) return {};
  const perError = isWorker ? 3 : SAMPLES_PER_ERROR;
  const most = isWorker ? 20 : MAX_FAILURE_SAMPLES;
  return { failures: new FailureSampler({ clock: systemClock, node, secrets, perError, most }) };
}

async function openHttpOutput(
  { options: { printHttp, printSecrets, once }, print }: ObservedNode,
): Promise<ObservingOutput | null> {
  // A pass prints everything.
  if (printHttp === null || once) return null;
  const { HttpPrinter } = await import("./print_http.ts");
  const printer = new HttpPrinter(print, { isAll: printHttp === "all", secrets: printSecrets });
  return { requests: printer, exchanges: printer, end: () => printer.end() };
}

/**
 * Opens the outputs that a node's options ask for. Call `end` of the result in any case; more calls change
 * nothing.
 *
 * @throws UsageError if one cannot be opened.
 */
export async function openRunObservers(node: ObservedNode): Promise<RunObservers> {
  const outputs: ObservingOutput[] = [];
  let ending: Promise<readonly string[]> | null = null;
  const endAll = async (): Promise<readonly string[]> =>
    (await Promise.all(outputs.map((output) => output.end()))).flat();
  try {
    for (const open of OUTPUTS) {
      const output = await open(node);
      if (output !== null) outputs.push(output);
    }
  } catch (error) {
    await endAll();
    throw error;
  }
  const flow = outputs.find((output) => output.flow !== undefined)?.flow;
  return {
    ...(flow === undefined ? {} : { flow }),
    ...failuresOf(node),
    inspectsTls: node.options.loglevel === "DEBUG" || outputs.some((output) => output.inspectsTls),
    requests: outputs.flatMap(({ requests }) => requests ?? []),
    exchanges: outputs.flatMap(({ exchanges }) => exchanges ?? []),
    end: () => ending ??= endAll(),
  };
}
