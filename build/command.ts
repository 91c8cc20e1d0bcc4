/** What a command did. */
export interface CommandResult {
  /** 0 where it succeeded. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Wall time. */
  readonly seconds: number;
}

/** Where a command runs. */
export interface CommandOptions {
  /** Its working directory; by default this process's. */
  readonly cwd?: string;
  /** Variables added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it gets nothing of this process's environment. */
  readonly clearEnv?: boolean;
}

/**
 * Runs a command to its end and keeps what it prints, without colours.
 *
 * @throws {Deno.errors.NotFound} where there is no such program.
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  { cwd, env, clearEnv = false }: CommandOptions = {},
): Promise<CommandResult> {
  const start = performance.now();
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd,
    clearEnv,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
    seconds: (performance.now() - start) / 1000,
  };
}
