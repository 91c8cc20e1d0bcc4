import { SaxesParser } from "saxes";

/** An element of an XML document. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
  /** Of itself alone. */
  readonly text: string;
}

/** The outermost element of a document; throws where the document is not well-formed. */
export function parseXml(text: string): Element {
  const parser = new SaxesParser();
  const top = { name: "", attributes: {}, children: [] as Element[], text: "" };
  const open = [top];
  parser.on("opentag", ({ name, attributes }) => {
    const element = { name, attributes: { ...attributes }, children: [] as Element[], text: "" };
    open.at(-1)!.children.push(element);
    open.push(element);
  });
  parser.on("text", (text) => void (open.at(-1)!.text += text));
  parser.on("closetag", () => void open.pop());
  parser.on("error", (error) => {
    throw error;
  });
  parser.write(text).close();
  return top.children[0]!;
}

/** All elements of a name, in a document's order, whatever lies between. */
export function elementsOf(element: Element, name: string): Element[] {
  return element.children.flatMap((child) => [
    ...(child.name === name ? [child] : []),
    ...elementsOf(child, name),
  ]);
}
