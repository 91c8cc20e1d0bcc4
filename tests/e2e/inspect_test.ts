import assert from "node:assert/strict";
import { CountingTarget } from "../support/counting_target.ts";
import { startAiotest } from "../support/process.ts";

const TEST_FILE = `import { FastHttpUser } from "aiotest";

interface Reply {
  readonly found: number;
}

export class ShopTest extends FastHttpUser {
  async testSearch(): Promise<void> {
    const reply: Reply = { found: 3 };
    await this.session.get("/", { params: { found: reply.found } });
  }
}
`;

interface Stop {
  readonly file: string;
  readonly reason: string;
  readonly hit: readonly string[];
}

/** A debugger, as editors are: it speaks the protocol of V8's inspector. */
class Debugger implements Disposable {
  readonly #socket: WebSocket;
  /** Source maps by URL. */
  readonly maps = new Map<string, string>();
  readonly stops: Stop[] = [];
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
  }

  static async connect(url: string): Promise<Debugger> {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    return new Debugger(socket);
  }

  send(method: string, params: Record<string, unknown> = {}): void {
    this.#socket.send(JSON.stringify({ id: ++this.#lastId, method, params }));
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #receive({ method, params }: { method?: string; params?: Record<string, unknown> }): void {
    if (method === "Debugger.scriptParsed") {
      this.maps.set(String(params!.url), String(params!.sourceMapURL));
    }
    if (method !== "Debugger.paused") return;
    const [frame] = params!.callFrames as readonly { readonly url: string }[];
    const hit = params!.hitBreakpoints as string[];
    this.stops.push({ file: frame!.url, reason: String(params!.reason), hit });
    this.send("Debugger.resume");
  }
}

Deno.test({
  name: "a debugger stops in the test file with --inspect-wait, and knows its lines",
  // A WebSocket is closed by the process that ends.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    await using target = new CountingTarget();
    const cwd = await Deno.realPath(await Deno.makeTempDir());
    await Deno.writeTextFile(`${cwd}/aiotestfile.ts`, TEST_FILE);
    const url = `file://${cwd}/aiotestfile.ts`;
    const run = startAiotest(["-H", target.url, "--once"], {
      cwd,
      denoFlags: ["--inspect-wait=127.0.0.1:0"],
      isQuiet: false,
    });
    try {
      const address = await run.tells(/listening on (ws:\S+)/);
      // A debugger that connects before that is not what it waits for.
      await run.says("waiting for debugger");
      using editor = await Debugger.connect(address);
      editor.send("Runtime.enable");
      editor.send("Debugger.enable");
      editor.send("Debugger.setBreakpointByUrl", { url, lineNumber: 0 });
      editor.send("Runtime.runIfWaitingForDebugger");
      await run.says("PASSED");
      const [, map = ""] = editor.maps.get(url)!.split(";base64,");
      const { sources, mappings } = JSON.parse(atob(map));
      assert.deepEqual([sources, mappings.length > 20], [[url], true]);
      const stop = editor.stops.find(({ hit }) => hit.some((id) => id.endsWith(url)));
      assert.ok(stop !== undefined, JSON.stringify(editor.stops));
      assert.equal(target.total, 1);
    } finally {
      run.kill("SIGKILL");
      await run.finished;
      await Deno.remove(cwd, { recursive: true });
    }
  },
});
