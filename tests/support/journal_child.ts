/**
 * Writes a journal to the file that is its argument until it is killed, and says how many records are
 * in it after each. Nobody who kills it lets it write all of the 100 MB at which it ends by itself.
 *
 * @module
 */

import { createJournal } from "../../src/cluster/restore.ts";
import { denoHost } from "../../src/core/host.ts";
import { RUN_RECORD } from "./journals.ts";

const { args: [path], stdout, openFile } = denoHost();
if (path === undefined) throw new TypeError("the path of the journal is missing");
const journal = await createJournal({ openFile }, RUN_RECORD, {
  path,
  onFailure: (reason) => {
    throw new Error(reason);
  },
});
const payload = new Uint8Array(2000).fill(7);
for (let count = 2; count < 50_000; count++) {
  journal.append({ type: "report", incarnation: `i${count}`, payload });
  stdout.write(`${count}\n`);
}
