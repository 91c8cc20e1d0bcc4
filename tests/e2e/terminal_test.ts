import assert from "node:assert/strict";
import { isMissing } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";

const CLI = projectPath("cli.ts");

async function tmux(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("tmux", { args }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Looks at a screen until it shows what is waited for, or for 20 s. */
async function screenThat(session: string, shows: RegExp, ...options: string[]): Promise<string> {
  for (const end = Date.now() + 20_000;;) {
    const screen = await tmux("capture-pane", "-p", ...options, "-t", session);
    if (shows.test(screen)) return screen;
    assert.ok(Date.now() < end, `it never showed ${shows}:\n${screen}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Runs the demo on a terminal. */
async function onTerminal(
  { columns, rows, env, args }: { columns: number; rows: number; env: string; args: string },
  look: (session: string) => Promise<void>,
): Promise<void> {
  const session = `aiotest-${crypto.randomUUID()}`;
  const folder = await Deno.makeTempDir();
  const command = `cd ${folder} && AIOTEST_NO_WEB=1 TERM=screen ${env} ${Deno.execPath()} run -A ` +
    `--quiet ${CLI} demo ${args}; echo "left with $?"; sleep 30`;
  const size = ["-x", String(columns), "-y", String(rows)];
  await tmux("new-session", "-d", "-s", session, ...size, command);
  try {
    await look(session);
  } finally {
    await tmux("kill-session", "-t", session);
    await Deno.remove(folder, { recursive: true });
  }
}

const missing = isMissing("tmux");
const skipped = missing ? " (skipped: there is no tmux)" : "";

Deno.test({
  name: `a terminal shows a live panel, which the report replaces${skipped}`,
  ignore: missing,
  fn: () =>
    onTerminal(
      { columns: 70, rows: 70, env: "NO_COLOR=", args: "-t 4 -r 100" },
      async (session) => {
        const panel = await screenThat(session, /rate now .*\n[\s\S]*GET \/search/);
        assert.match(panel, /^running +█+░* +\d+% {2}\ds of 4s, \ds left$/m);
        assert.match(panel, /^users +20$/m);
        assert.match(
          panel,
          /^rate now +[\d.]+\/s +[▁▂▃▄▅▆▇█]+ 0–.*\np95 now +[\d.]+ ms +[▁▂▃▄▅▆▇█]+ 0–.*$/m,
        );
        for (const line of panel.split("\n")) assert.ok(line.length <= 70, line);

        const end = await screenThat(session, /left with 0/);
        assert.match(end, /^Percentiles, latency (of successes )?in ms$/m);
        assert.match(
          end,
          /^Latency, (all|successful) requests\nUp to ms +Reqs +Share\n(.*█*.*\n){10}\n/m,
        );
        assert.match(end, /^PASSED /m);
        // The panel is gone: its rows would still say what was running.
        assert.doesNotMatch(end, /^running/m);
      },
    ),
});

Deno.test({
  name:
    `a terminal that shrinks keeps a complete panel, without colours if so configured${skipped}`,
  ignore: missing,
  fn: () =>
    onTerminal(
      { columns: 130, rows: 40, env: "NO_COLOR=1", args: "-t 10 -r 100" },
      async (session) => {
        const wide = await screenThat(session, /GET \/search/, "-e");
        assert.match(wide, /^users +20 +Up to ms +Reqs +Share$/m);
        assert.ok(!wide.includes("\x1b"), wide);

        await tmux("resize-window", "-t", session, "-x", "60", "-y", "24");
        // Each line of the panel is there once, from the state down to the last name.
        const whole =
          /^running .* left\n\nusers +20\nrate now .*\np95 now .*\nrequests .*\nin progress .*\nwhole run .*\nlast 5 s .*\nconnections .*\nprocess .*\n(errors .*\n)?classes .*\n {12}.*\n\nName .*\n((GET|POST) .*\n){5}\n*$/;
        const small = await screenThat(session, new RegExp(whole.source, "m"));
        for (const line of small.split("\n")) assert.ok(line.length <= 60, line);
        assert.equal(small.match(/^last 5 s/gm)?.length, 1, small);

        // What a smaller terminal has lost at its top comes back with a larger one.
        await tmux("resize-window", "-t", session, "-x", "130", "-y", "50");
        const large = await screenThat(session, /^users +20 +Up to ms[\s\S]*POST/m);
        assert.equal(large.match(/^last 5 s/gm)?.length, 1, large);
        await screenThat(session, /left with 0/);
      },
    ),
});

Deno.test("other outputs get lines and a report, without control characters", async () => {
  const folder = await Deno.makeTempDir();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", CLI, "demo", "-t", "6", "-r", "100"],
    cwd: folder,
    env: { AIOTEST_NO_WEB: "1", NO_COLOR: "", TERM: "xterm-256color" },
  }).output();
  await Deno.remove(folder, { recursive: true });
  const text = new TextDecoder().decode(stdout);
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  assert.match(text, /^ {4}5s {2}running {3}20\/20 users {2}/m);
  assert.match(text, /^PASSED /m);
  assert.ok(!text.includes("\x1b"), text);
  assert.doesNotMatch(text, /[█▏]|Up to ms/);
});
