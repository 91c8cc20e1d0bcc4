import assert from "node:assert/strict";

/** Processes that a process has started and that still run, on Linux. */
export function childrenOf(pid: number): number[] {
  const text = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`);
  return text.trim() === "" ? [] : text.trim().split(" ").map(Number);
}

/** Resolves when none of these processes runs any more; fails where one still does after so long. */
export async function allGone(pids: readonly number[], withinMs: number): Promise<void> {
  for (const end = Date.now() + withinMs;;) {
    const left = pids.filter(isAlive);
    if (left.length === 0) return;
    assert.ok(Date.now() < end, `${left} still run after ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function isAlive(pid: number): boolean {
  try {
    // What has ended and was not waited for yet is a zombie.
    return !/^State:\s+[ZX]/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}
