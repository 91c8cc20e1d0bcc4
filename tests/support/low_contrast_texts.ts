/// <reference lib="dom" />
import type { Page } from "playwright-core";

/** Texts whose contrast to their background is too low for WCAG level AA. */
export function lowContrastTexts(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true })!;
    const known = new Map<string, number[]>();
    const rgba = (color: string): number[] => {
      const seen = known.get(color);
      if (seen !== undefined) return seen;
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      const parts = [...canvas.getImageData(0, 0, 1, 1).data];
      known.set(color, parts);
      return parts;
    };
    const luminance = (color: number[]): number => {
      const [red = 0, green = 0, blue = 0] = color.map((part) => {
        const share = part / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const backgroundOf = (start: Element): number[] => {
      for (let at: Element | null = start; at !== null; at = at.parentElement) {
        const color = rgba(getComputedStyle(at).backgroundColor);
        if ((color[3] ?? 0) > 250) return color;
      }
      return [255, 255, 255];
    };
    const found: string[] = [];
    for (const element of document.querySelectorAll("body *")) {
      const text = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)
        .map(({ textContent }) => textContent?.trim()).join("");
      if (text === "" || !element.checkVisibility() || element.closest(".unseen, :disabled")) {
        continue;
      }
      const [one, two] = [rgba(getComputedStyle(element).color), backgroundOf(element)].map(
        luminance,
      )
        .sort((a, b) => b - a);
      const contrast = (one! + 0.05) / (two! + 0.05);
      if (contrast < 4.5) found.push(`${contrast.toFixed(2)} ${element.className}: ${text}`);
    }
    return found;
  });
}
