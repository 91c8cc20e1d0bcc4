import assert from "node:assert/strict";
import { fromFileUrl } from "../support/paths.ts";
import { isMissing } from "../support/requirement.ts";

const COLUMNS = 70;

async function tmux(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("tmux", { args }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Looks at a screen until it shows what is waited for, or for 20 s. */
async function screenThat(session: string, shows: RegExp): Promise<string> {
  for (const end = Date.now() + 20_000;;) {
    const screen = await tmux("capture-pane", "-p", "-t", session);
    if (shows.test(screen)) return screen;
    assert.ok(Date.now() < end, `it never showed ${shows}:\n${screen}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const missing = isMissing("tmux");

Deno.test({
  name: `a live panel on a terminal, and the report in its place${
    missing ? " (skipped: there is no tmux)" : ""
  }`,
  ignore: missing,
  fn: async () => {
    const session = `aiotest-${crypto.randomUUID()}`;
    const folder = await Deno.makeTempDir();
    const command = `cd ${folder} && NO_COLOR= TERM=screen ${Deno.execPath()} run -A --quiet ${
      fromFileUrl("../../cli.ts")
    } demo -t 4 -r 100; echo "left with $?"; sleep 30`;
    await tmux("new-session", "-d", "-s", session, "-x", String(COLUMNS), "-y", "60", command);
    try {
      const panel = await screenThat(session, /rate .*\n[\s\S]*GET \/search/);
      assert.match(panel, /^running +█+░* \ds of 4s, \d+%$/m);
      assert.match(panel, /^users +20$/m);
      for (const line of panel.split("\n")) assert.ok(line.length <= COLUMNS, line);

      const end = await screenThat(session, /left with 0/);
      assert.match(end, /^Percentiles, latency in ms$/m);
      assert.match(end, /^PASSED /m);
      // The panel is gone: its rows would still say what was running.
      assert.doesNotMatch(end, /^running/m);
    } finally {
      await tmux("kill-session", "-t", session);
      await Deno.remove(folder, { recursive: true });
    }
  },
});
