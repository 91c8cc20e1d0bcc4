/**
 * Writes a journal to the file in its argument until it is killed, and prints the number of records after
 * each. It ends by itself at 100 MB, which a test that kills it never reaches.
 *
 * @module
 */

import { createJournal } from "../../src/cluster/restore.ts";
import { denoHost } from "../../src/core/host.ts";
import { RUN_RECORD } from "./journals.ts";

const { args: [path], stdout, openFile, exit } = denoHost();
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
exit(0);
