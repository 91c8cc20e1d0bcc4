/** A folder with test files, which containers get at `/test`. */
export class TestFolder implements AsyncDisposable {
  readonly path = Deno.makeTempDirSync({ prefix: "aiotest-tests-" });

  /** @param files texts by name. */
  constructor(files: Readonly<Record<string, string>>) {
    // As the folders of people are: to be read by all.
    Deno.chmodSync(this.path, 0o755);
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  write(name: string, text: string): void {
    Deno.writeTextFileSync(`${this.path}/${name}`, text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
