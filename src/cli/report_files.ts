/**
 * The files that a run writes: checked before it starts, some of them rewritten while it runs, and all written
 * one by one at its end.
 *
 * @module
 */

import { resolve } from "node:path";
import {
  AiotestError,
  atLeastFailed,
  isInstance,
  systemReason,
  UsageError,
} from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { DescriptorReserve, OutputFile } from "../core/output_files.ts";
import { frozen } from "../stats/frozen_snapshot.ts";
import {
  REPORT_FORMATS,
  type ReportedRun,
  type ReportFile,
  type ReportFormat,
  type ReportOption,
} from "../web/report_formats.ts";

/** A file that an option asks for. */
export interface NamedOutput {
  /** The option, without its dashes. */
  readonly option: string;
  /** As the user gave it; may be relative to the working directory. */
  readonly path: string;
}

/** A report file that an option asks for. */
export interface RequestedFile extends NamedOutput, Pick<ReportFile, "kind" | "make" | "isEmpty"> {
  /** As {@link ReportFormat.isRewritten}. */
  readonly isRewritten: boolean;
}

/** A file that was checked. */
export interface OpenOutput extends NamedOutput {
  readonly file: OutputFile;
}

/** The files that the options ask for. */
export function requestedFiles(
  options: Readonly<Record<ReportOption, string | null>>,
): RequestedFile[] {
  return Object.entries<ReportFormat>(REPORT_FORMATS).flatMap(([option, format]) => {
    const { takes, files, isRewritten = false } = format;
    const value = options[option as ReportOption];
    if (value === null) return [];
    return files.map((file) => ({
      option,
      kind: file.kind,
      path: takes === "PREFIX" ? `${value}${file.suffix}` : value,
      isRewritten,
      make: (run) => file.make(run),
      ...(file.isEmpty === undefined ? {} : { isEmpty: file.isEmpty }),
    }));
  });
}

/** A file that an output must not replace. */
export interface OtherFile {
  /** Completes the sentence "this is …". */
  readonly what: string;
  /** May be relative to the working directory. */
  readonly path: string;
  /** Set if the run is about to create it. */
  readonly isNew?: true;
}

type OutputHost = Pick<Host, "cwd" | "fileInfo" | "outputFile">;

/**
 * Checks before a run that files can be written, so that no result is lost at its end. Nothing is changed.
 *
 * @throws UsageError if one cannot be written, or if it is also another output or one of `others`.
 */
export async function openOutputs<Named extends NamedOutput>(
  host: OutputHost,
  outputs: readonly Named[],
  others: readonly OtherFile[],
): Promise<(Named & OpenOutput)[]> {
  const uses = new Map<string, OtherFile | NamedOutput>();
  for (const other of others) {
    const identity = await identityOfOther(host, other);
    if (identity !== null) uses.set(identity, other);
  }
  return outputs.map((output) => {
    const file = openNamed(host, output, (path) => host.outputFile(path));
    if (file.identity !== null) {
      const use = uses.get(file.identity);
      if (use !== undefined) throw conflict(output, use);
      uses.set(file.identity, output);
    }
    return { ...output, file };
  });
}

/** The one of some files that a path leads to; `null` if it is none of them. */
export async function fileAt(
  host: Pick<Host, "cwd" | "fileInfo">,
  path: string,
  files: readonly OtherFile[],
): Promise<OtherFile | null> {
  const info = await host.fileInfo(resolve(host.cwd, path));
  if (info === null) return null;
  for (const file of files) {
    const other = await host.fileInfo(resolve(host.cwd, file.path));
    if (other?.identity === info.identity) return file;
  }
  return null;
}

/** `null` if there is no such file. */
async function identityOfOther(
  host: OutputHost,
  { path, isNew }: OtherFile,
): Promise<string | null> {
  const fullPath = resolve(host.cwd, path);
  const info = await host.fileInfo(fullPath);
  if (info !== null || isNew !== true) return info?.identity ?? null;
  try {
    return host.outputFile(fullPath).identity;
  } catch {
    return null;
  }
}

/**
 * Opens a file that an option names.
 *
 * @param open opens the file at a full path.
 * @throws UsageError that names the option and the file if `open` throws.
 */
export function openNamed<File>(
  { cwd }: Pick<Host, "cwd">,
  output: NamedOutput,
  open: (path: string) => File,
): File {
  try {
    return open(resolve(cwd, output.path));
  } catch (error) {
    throw new UsageError(problemText([output], systemReason(error)), "", error);
  }
}

function conflict({ option, path }: NamedOutput, use: OtherFile | NamedOutput): UsageError {
  return "what" in use
    ? new UsageError(`--${option} ${path}: this is ${use.what}, which would be overwritten`)
    : new UsageError(
      `--${option} ${path}: this is the same file as --${use.option} ${use.path}`,
      "Give each output a file of its own.",
    );
}

/**
 * Removes the file of an earlier run, so that it cannot be taken for this run's if that is killed.
 *
 * @throws UsageError if that is not possible.
 */
export function removeOld({ option, path, file }: OpenOutput): void {
  try {
    file.clear();
  } catch (error) {
    const problem = `cannot remove the old file: ${systemReason(error)}`;
    throw new UsageError(`--${option} ${path}: ${problem}`, "", error);
  }
}

/** The options that decide whether there will be reports. */
interface ReportOptions extends Readonly<Record<ReportOption, string | null>> {
  readonly showShape: boolean;
  readonly showUsersWeight: boolean;
  readonly worker: boolean;
}

/** Whether the options ask for a run, and not only for what it would be. */
function isRun({ showShape, showUsersWeight }: ReportOptions): boolean {
  return !showShape && !showUsersWeight;
}

/**
 * The error of a run that has not started, which says of the files of an earlier run that they are still there:
 * they must not be taken for those of this run. Any other error is returned as it is.
 */
export async function withEarlierFiles(
  host: Pick<Host, "cwd" | "isFile">,
  options: ReportOptions,
  error: unknown,
): Promise<unknown> {
  if (!isInstance(error, AiotestError) || !isRun(options) || options.worker) return error;
  const kept: string[] = [];
  for (const { option, path } of requestedFiles(options)) {
    const isThere = await host.isFile(resolve(host.cwd, path)).catch(() => false);
    if (isThere) kept.push(`--${option} ${path}`);
  }
  if (kept.length === 0) return error;
  const note = kept.length === 1
    ? `The run has not started. This file was there before: ${kept[0]}`
    : `The run has not started. These files were there before: ${kept.join(", ")}`;
  const hint = error.hint === "" ? note : `${error.hint}\n${note}`;
  return new AiotestError(error.message, error.exitCode, hint, error.cause);
}

/**
 * Writes one file; resolves with what went wrong, or `null`. Never rejects.
 *
 * @param make makes the text.
 */
export async function writeOutput(
  output: OpenOutput,
  make: () => Iterable<string> | Promise<Iterable<string>>,
): Promise<string | null> {
  const reason = await tryToWrite(output, make);
  return reason === null ? null : problemText([output], reason);
}

/** As {@link writeOutput}; resolves with the reason alone. */
async function tryToWrite(
  { file }: OpenOutput,
  make: () => Iterable<string> | Promise<Iterable<string>>,
  reserve?: DescriptorReserve,
): Promise<string | null> {
  try {
    await file.write(await make(), reserve);
    return null;
  } catch (error) {
    return systemReason(error);
  }
}

/** Files that could not be written, and why. */
class WriteFailures {
  readonly #failed = new Map<string, { readonly reason: string; readonly files: NamedOutput[] }>();

  add(file: NamedOutput, reason: string): void {
    const key = JSON.stringify([file.option, reason]);
    const known = this.#failed.get(key);
    if (known === undefined) this.#failed.set(key, { reason, files: [file] });
    else known.files.push(file);
  }

  get files(): NamedOutput[] {
    return [...this.#failed.values()].flatMap(({ files }) => files);
  }

  /** One sentence, without a full stop, for the files of each option that failed for the same reason. */
  get texts(): string[] {
    return Array.from(this.#failed.values(), ({ reason, files }) => problemText(files, reason));
  }
}

function problemText(files: readonly NamedOutput[], reason: string): string {
  const [{ option, path }, ...others] = files as [NamedOutput, ...NamedOutput[]];
  if (others.length === 0) return `--${option} ${path}: cannot write the file: ${reason}`;
  const more = others.length === 1 ? "1 more file" : `${others.length} more files`;
  return `--${option} ${path} and ${more}: cannot write the files: ${reason}`;
}

/** How often reports are rewritten during a run, in milliseconds. */
const REWRITE_MS = 30_000;

/** A run that has ended. */
interface EndedRun extends ReportedRun {
  readonly exitCode: number;
}

/** The outcome of writing the reports. */
export interface WrittenReports {
  /** The exit code of the run, but at least 1 if a report could not be written. */
  readonly exitCode: number;
  /** One sentence, without a full stop, for each file that could not be written, or for several together. */
  readonly problems: readonly string[];
}

/** The report files of one run. */
export class ReportFiles {
  readonly #files: readonly (RequestedFile & OpenOutput)[];
  readonly #reserve: DescriptorReserve | null;
  /** Those that are still to be written. */
  readonly #unwritten: Set<NamedOutput>;
  /** Those that have been written during the run. */
  readonly #rewritten = new Set<NamedOutput>();
  /** When they are rewritten; `null` before the run has started. */
  #rewriteAt: number | null = null;
  #rewriting: Promise<unknown> = Promise.resolve();
  /** The options about which it was said that their files cannot be written during the run. */
  readonly #reported = new Set<string>();

  private constructor(
    files: readonly (RequestedFile & OpenOutput)[],
    reserve: DescriptorReserve | null,
  ) {
    this.#files = files;
    this.#unwritten = new Set(files);
    this.#reserve = reserve;
  }

  /**
   * Checks the files that the options ask for.
   *
   * @param others files that none of them may replace.
   * @throws UsageError as {@link openOutputs} does.
   */
  static async open(
    host: OutputHost & Pick<Host, "reserveDescriptors">,
    options: Readonly<Record<ReportOption, string | null>>,
    others: readonly OtherFile[],
  ): Promise<ReportFiles> {
    const files = await openOutputs(host, requestedFiles(options), others);
    // Users may leave no descriptor for the reports.
    return new ReportFiles(files, files.length === 0 ? null : host.reserveDescriptors());
  }

  /** The files that are still to be written, with their options. */
  get unwritten(): string[] {
    return Array.from(this.#unwritten, (file) => {
      const earlier = this.#rewritten.has(file) ? " (it has an earlier state of the run)" : "";
      return `--${file.option} ${file.path}${earlier}`;
    });
  }

  /** Removes the reports of an earlier run as {@link removeOld} does. */
  removeOld(): void {
    for (const file of this.#files) removeOld(file);
  }

  /**
   * Rewrites the files that are rewritten during a run if it is time to: what was counted until then is not lost
   * if the process is killed. Not those of devices, pipes and streams, which would get several reports.
   *
   * @param now on a clock, in milliseconds.
   * @param run may go on counting at once.
   * @returns resolves with problems that are new, as {@link WrittenReports.problems}; never rejects. `null` if it
   *   is not time.
   */
  rewrite(now: number, run: ReportedRun): Promise<readonly string[]> | null {
    const files = this.#files.filter(({ isRewritten, file }) =>
      isRewritten && file.identity !== null
    );
    const { startedAt, elapsedSeconds } = run.snapshot;
    if (files.length === 0 || startedAt === null) return null;
    if (this.#rewriteAt === null) {
      // A run that is resumed has started long ago.
      this.#rewriteAt = now + Math.max(0, REWRITE_MS - elapsedSeconds * 1000);
      // While users have all descriptors, no module can be loaded.
      for (const { make } of files) void make(run).catch(() => {});
    }
    if (now < this.#rewriteAt) return null;
    this.#rewriteAt = Infinity;
    const rewriting = this.#rewrite(files, { ...run, snapshot: frozen(run.snapshot) });
    this.#rewriting = rewriting.then(() => this.#rewriteAt = now + REWRITE_MS);
    return rewriting;
  }

  async #rewrite(
    files: readonly (RequestedFile & OpenOutput)[],
    run: ReportedRun,
  ): Promise<readonly string[]> {
    const failures = new WriteFailures();
    for (const output of files) {
      if (output.isEmpty?.(run.snapshot) === true) continue;
      const reason = await tryToWrite(output, () => output.make(run), this.#reserve ?? undefined);
      if (reason === null) this.#rewritten.add(output);
      else if (!this.#reported.has(output.option)) failures.add(output, reason);
    }
    for (const { option } of failures.files) this.#reported.add(option);
    return failures.texts;
  }

  /**
   * Writes all files that can be written.
   *
   * @param run the run; its exit code is raised in reports that are written after one that failed. The
   *   summary is the last one, because scripts read the exit code there.
   */
  async write(run: EndedRun): Promise<WrittenReports> {
    await this.#rewriting;
    this.#reserve?.release();
    const failures = new WriteFailures();
    let { exitCode } = run;
    const isSummary = ({ option }: NamedOutput): number => option === "json" ? 1 : 0;
    for (const output of this.#files.toSorted((a, b) => isSummary(a) - isSummary(b))) {
      const reason = output.isEmpty?.(run.snapshot) === true
        ? null
        : await tryToWrite(output, () => output.make({ ...run, exitCode }));
      this.#unwritten.delete(output);
      if (reason === null) continue;
      exitCode = atLeastFailed(exitCode);
      failures.add(output, reason);
    }
    return { exitCode, problems: failures.texts };
  }
}
