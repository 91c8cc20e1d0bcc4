/** Where the project's code lies, from its root. */
const PLACES = ["mod.ts", "cli.ts", "src", "tests", "bench", "examples", "build"];

/** The places of code that exist. */
export async function projectPlaces(root: string): Promise<string[]> {
  const names = new Set<string>();
  for await (const entry of Deno.readDir(root)) names.add(entry.name);
  return PLACES.filter((place) => names.has(place));
}

/** Paths of all files of TypeScript, and of JavaScript for browsers, relative to the root and sorted. */
export async function projectFiles(root: string): Promise<string[]> {
  const paths: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for await (const entry of Deno.readDir(`${root}/${folder}`)) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) await walk(path);
      else if (/\.[jt]s$/.test(path)) paths.push(path);
    }
  };
  for (const place of await projectPlaces(root)) {
    if (place.endsWith(".ts")) paths.push(place);
    else await walk(place);
  }
  return paths.sort();
}
