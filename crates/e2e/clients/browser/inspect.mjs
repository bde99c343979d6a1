// Looks at the page that is open: WCAG 2.2 AA by axe-core on a wide screen and on a phone, light and dark; no scrolling sideways
// down to 320 px, at 200 % zoom and with letters twice as large; the keyboard reaches everything, in the order of the page, and
// shows where it is; nothing moves. From the environment: SCREENSHOTS_DIR, only to have pictures.
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { SCREENS } from "./chromium.mjs";

const { SCREENSHOTS_DIR } = process.env;
const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = {
  runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] },
  rules: { "target-size": { enabled: true } },
  resultTypes: ["violations", "incomplete"],
};
export const LOOKS = ["phone", "wide"].flatMap((screen) => ["light", "dark"].map((colours) => [screen, colours]));
// The narrowest of WCAG 2.2 §1.4.10, a phone, a tablet, and a wide screen.
const WIDTHS = [320, 390, 768, 1280];

// Adds what is wrong to the problems and gives the order in which the keyboard goes through the page.
export async function inspect(page, name, problems, looks = LOOKS) {
  const found = (text) => problems.push(`${name}: ${text}`);
  // Allow works half a second after it appeared.
  await page.waitForFunction(() => !document.querySelector("button:disabled"));
  if (SCREENSHOTS_DIR) await takeScreenshots(page, name);
  await checkWidths(page, found);
  const order = await checkKeyboard(page, found);
  await checkAccessibility(page, looks, found);
  const moving = await page.evaluate(() => document.getAnimations().length);
  if (moving > 0) found(`${moving} animations`);
  return order;
}

async function show(page, [screen, colorScheme]) {
  await page.setViewportSize(SCREENS[screen]);
  await page.emulateMedia({ colorScheme });
}

async function checkAccessibility(page, looks, found) {
  await page.evaluate(AXE);
  for (const look of looks) {
    await show(page, look);
    const { violations, incomplete } = await page.evaluate((rules) => axe.run(document, rules), RULES);
    for (const { id, help, nodes } of violations) {
      found(`${look}: ${id} (${help}): ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join("; ")}`);
    }
    for (const { id, help, nodes } of incomplete) found(`${look}: cannot be decided: ${id} (${help}): ${nodes[0].html}`);
  }
}

async function takeScreenshots(page, name) {
  await mkdir(SCREENSHOTS_DIR, { recursive: true });
  for (const look of LOOKS) {
    await show(page, look);
    await page.screenshot({ path: join(SCREENSHOTS_DIR, `${name}-${look.join("-")}.png`), fullPage: true });
  }
}

// WCAG 2.2 §1.4.4 and §1.4.10: a zoom of 200 % on a wide screen is half the width, with every pixel twice as large.
async function checkWidths(page, found) {
  const tooWide = () => page.evaluate(() => {
    const room = document.documentElement.clientWidth;
    const out = [...document.body.querySelectorAll("*")].find((element) => element.getBoundingClientRect().right > room + 1);
    const over = document.documentElement.scrollWidth - room;
    return over > 0 || out ? `${over} px too wide, ${out?.outerHTML.slice(0, 120)}` : null;
  });
  for (const width of [...WIDTHS, SCREENS.wide.width / 2]) {
    await page.setViewportSize({ width, height: 800 });
    const over = await tooWide();
    if (over) found(`${width} px: ${over}`);
  }
  for (const screen of Object.keys(SCREENS)) {
    await page.setViewportSize(SCREENS[screen]);
    await page.evaluate(() => { document.documentElement.style.fontSize = "200%"; });
    const over = await tooWide();
    if (over) found(`${screen}, letters twice as large: ${over}`);
    await page.evaluate(() => { document.documentElement.style.fontSize = ""; });
  }
}

// WCAG 2.2 §2.1.1, §2.4.3, §2.4.7, §2.4.11 and §2.5.8: from the top of the page by the tabulator key.
async function checkKeyboard(page, found) {
  await page.setViewportSize(SCREENS.phone);
  const controls = await page.evaluate(() => {
    for (const details of document.querySelectorAll("details")) details.open = true;
    const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")];
    const usable = all.filter((control) => !control.disabled && control.checkVisibility());
    usable.forEach((control, index) => { control.dataset.place = index; });
    document.activeElement?.blur();
    const start = document.querySelector("body");
    start.tabIndex = -1;
    start.focus();
    start.removeAttribute("tabindex");
    return usable.length;
  });
  const order = [];
  for (let turn = 0; turn < controls; turn++) {
    await page.keyboard.press("Tab");
    const focus = await page.evaluate(() => {
      const control = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(control);
      const { top, bottom, left, right, width, height } = control.getBoundingClientRect();
      const text = (control.labels?.[0]?.innerText || control.innerText || control.getAttribute("aria-label") || "").trim();
      return {
        place: Number(control.dataset.place ?? -1),
        name: `${control.localName}${control.id ? `#${control.id}` : ""} ${text.slice(0, 40)}`,
        isShown: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
        isInView: top >= 0 && left >= 0 && bottom <= innerHeight + 1 && right <= innerWidth + 1,
        isLargeEnough: Math.min(width, height) >= 24,
      };
    });
    order.push(focus.name);
    if (focus.place !== turn) found(`the keyboard comes to ${focus.name}, number ${focus.place}, at step ${turn}`);
    if (!focus.isShown) found(`${focus.name} does not show that it has the focus`);
    if (!focus.isInView) found(`${focus.name} has the focus and is out of sight`);
    if (!focus.isLargeEnough) found(`${focus.name} is smaller than 24 px`);
  }
  return order;
}
