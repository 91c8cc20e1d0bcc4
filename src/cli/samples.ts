/**
 * The output `--samples`: a line for each request of a node that is counted.
 *
 * @module
 */

import { resolve } from "node:path";
import { ChunkWriter } from "../core/chunk_writer.ts";
import type { Clock, Timer } from "../core/clock.ts";
import type { Host } from "../core/host.ts";
import type { StreamFile } from "../core/stream_files.ts";
import { formatExact } from "../report/quantity.ts";
import {
  fileOfNode,
  sampleFileKind,
  type SampleFilter,
  sampleFilter,
} from "../report/sample_files.ts";
import { CSV_LINES, JSON_LINES, MAX_LINE, SampleLines } from "../report/sample_lines.ts";
import type { CountedRequest, RequestObserver } from "../user/observers.ts";
import { openNamed } from "./report_files.ts";

/** The node whose samples are written. */
export interface SampledNode {
  readonly host: Pick<Host, "cwd" | "outputFile" | "streamFile">;
  /** Its name. */
  readonly node: string;
  /** Whether there are others, with files of their own. */
  readonly isWorker: boolean;
  readonly clock: Clock;
  readonly info: (text: string) => void;
  readonly warn: (text: string) => void;
  /** Called if the file lacks samples because it could not be written. */
  readonly onIncomplete: () => void;
}

/** What the options say. */
export interface SampleOptions {
  readonly samples: string;
  readonly samplesOnly: string | null;
}

/** Bytes in one buffer: enough for over a thousand lines, most of which have 250. */
const CHUNK_BYTES = 512 * 1024;

/** Together 16 MiB: half a second of a fast core, or a slow disk that pauses. */
const MAX_CHUNKS = 32;

/** What is in a buffer is written after this time, even if it is not full. */
const FLUSH_MS = 1000;

/** At the end, a wait for longer than this is explained. */
const SLOW_MS = 1500;

/**
 * Opens the file of a node.
 *
 * @throws UsageError if it cannot be written.
 */
export async function openSamples(
  node: SampledNode,
  { samples, samplesOnly }: SampleOptions,
): Promise<SampleWriter> {
  const { host } = node;
  const output = {
    option: "samples",
    path: node.isWorker ? fileOfNode(samples, node.node) : samples,
  };
  const path = resolve(host.cwd, output.path);
  const { isCsv, gzip } = sampleFileKind(samples)!;
  openNamed(host, output, (full) => host.outputFile(full));
  const file = await host.streamFile(path, { gzip }).catch((error) => {
    return openNamed(host, output, (): StreamFile => {
      throw error;
    });
  });
  return new SampleWriter(node, file, {
    path: output.path,
    lines: new SampleLines(isCsv ? CSV_LINES : JSON_LINES, node.node),
    filter: samplesOnly === null ? null : sampleFilter(samplesOnly),
    reason: gzip ? "the disk or the compression was too slow" : "the disk was too slow",
  });
}

/** What a {@link SampleWriter} writes, and where. */
interface SampleContents {
  /** As messages show it. */
  readonly path: string;
  readonly lines: SampleLines;
  /** `null`: all samples. */
  readonly filter: SampleFilter | null;
  /** Why samples are dropped if they come faster than they are written. */
  readonly reason: string;
}

/** Writes the samples of a node. It never makes a request wait: it drops samples, and counts those. */
export class SampleWriter implements RequestObserver {
  readonly #node: SampledNode;
  readonly #contents: SampleContents;
  readonly #lines: SampleLines;
  readonly #filter: SampleFilter | null;
  readonly #writer: ChunkWriter;
  readonly #time: SteadyWallTime;
  /** The buffer that is filled; `null` if there is none. */
  #chunk: Uint8Array<ArrayBuffer> | null = null;
  /** The number of lines in it. */
  #lineCount = 0;
  /** Samples that were to be written. */
  #samples = 0;
  #dropped = 0;
  #timer: Timer;

  constructor(node: SampledNode, file: StreamFile, contents: SampleContents) {
    this.#node = node;
    this.#contents = contents;
    this.#lines = contents.lines;
    this.#filter = contents.filter;
    this.#time = new SteadyWallTime(node.clock);
    this.#writer = new ChunkWriter(file, {
      chunkBytes: CHUNK_BYTES,
      maxChunks: MAX_CHUNKS,
      onProblem: (problem) => {
        node.onIncomplete();
        node.warn(
          `--samples ${contents.path}: cannot write the file: ${problem}. Samples are missing in it.`,
        );
      },
    });
    this.#begin();
    this.#timer = this.#setTimer();
  }

  counted(request: CountedRequest): void {
    const { sample } = request;
    if (this.#filter !== null && !this.#filter(sample)) return;
    this.#samples++;
    if (this.#chunk === null && !this.#next()) return this.#drop();
    this.#lines.add(request, sample.endedAt - sample.latencyMs + this.#time.offset);
    this.#lineCount++;
    if (this.#lines.length > CHUNK_BYTES - MAX_LINE) this.#handOver();
  }

  /** Removes the lines that were written until now: what they are about is no longer counted. */
  reset(): void {
    this.#samples = this.#dropped = this.#lineCount = 0;
    this.#writer.clear();
    this.#begin();
  }

  /** Writes what is left; resolves with warnings. Never rejects. */
  async end(): Promise<readonly string[]> {
    const { clock, info } = this.#node;
    const { path, reason } = this.#contents;
    clock.clearTimer(this.#timer);
    this.#handOver();
    const slow = clock.setTimer(
      () => info(`--samples: waiting until the last lines are in ${path}.`),
      SLOW_MS,
    );
    await this.#writer.close();
    clock.clearTimer(slow);
    const { problem, lost } = this.#writer;
    const missing = this.#dropped + lost;
    const all = formatExact(this.#samples);
    const written = formatExact(this.#samples - missing);
    info(`--samples: ${written} ${this.#samples - missing === 1 ? "line" : "lines"} in ${path}.`);
    if (missing === 0) return [];
    return [
      problem === null
        ? `${formatExact(missing)} of ${all} samples were dropped because ${reason}: ` +
          `they are missing in ${path}.`
        : `${formatExact(missing)} of ${all} samples are missing in ${path}: ${problem}.`,
    ];
  }

  /** Begins the file. */
  #begin(): void {
    if (this.#chunk === null && !this.#next()) return;
    this.#lines.fill(this.#chunk!);
    this.#lines.addHeader();
  }

  /** Gets an empty buffer. Returns `false` if there is none. */
  #next(): boolean {
    const chunk = this.#writer.take();
    if (chunk === null) return false;
    this.#chunk = chunk;
    this.#lines.fill(chunk);
    return true;
  }

  #handOver(): void {
    if (this.#chunk === null) return;
    this.#writer.put(this.#chunk, this.#lines.length, this.#lineCount);
    this.#chunk = null;
    this.#lineCount = 0;
  }

  #drop(): void {
    this.#dropped++;
    if (this.#dropped > 1 || this.#writer.problem !== null) return;
    const { path } = this.#contents;
    this.#node.warn(`--samples ${path}: samples are dropped, because they come too fast.`);
  }

  #setTimer(): Timer {
    return this.#node.clock.setTimer(() => {
      this.#time.check();
      // As long as others wait, this one can be filled.
      if (this.#lines.length > 0 && this.#writer.isIdle) this.#handOver();
      this.#timer = this.#setTimer();
    }, FLUSH_MS);
  }
}

/** Readings of the clock, which take over a millisecond: as exactly, wall time is known only when it changes. */
const READINGS = 20_000;

/** The wall time is followed if it has been set forward by more than that. */
const SET_MS = 100;

/** The wall time of a monotonic clock's time. It is as fine as that clock, and never goes back. */
class SteadyWallTime {
  /** What the time of the clock is to be increased by. */
  offset = -Infinity;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
    for (let reading = 0; reading < READINGS; reading++) {
      this.offset = Math.max(this.offset, clock.wallTime() - clock.now());
    }
  }

  /** Notices that the wall time was set, or that the machine has slept. */
  check(): void {
    const offset = this.#clock.wallTime() - this.#clock.now();
    if (offset > this.offset + SET_MS) this.offset = offset;
  }
}
