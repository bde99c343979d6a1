// What a page is made of, to see whether a text of a stranger became a part of it.

// Pages show control characters, and what reorders or hides text, as U+FFFD.
const TREACHEROUS = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u00ad\u200b\u2028\u2029\u2060-\u2064\ufeff\u{e0000}-\u{e007f}]/gu;
export const asShown = (text) => text.replace(TREACHEROUS, "\ufffd");

// Elements with their attributes, where they lead, and what is read. Runs in the page.
export function readPage() {
  const elements = [...document.querySelectorAll("*")];
  // A script of ours switches buttons off and on.
  const names = (element) => element.getAttributeNames().filter((name) => name !== "disabled").sort().join(" ");
  const shape = elements.map((element) => `${element.localName}[${names(element)}]`).join("\n");
  const attributes = ["href", "src", "action", "formaction", "data", "poster", "ping", "background"];
  const addresses = elements.flatMap((element) => attributes.filter((name) => element.hasAttribute(name))
    .map((name) => new URL(element.getAttribute(name), document.baseURI).href));
  const texts = [document.documentElement.textContent, ...elements.map((element) => element.value).filter((value) => typeof value === "string")];
  return { shape, addresses, texts };
}

// The first element that the other page does not have.
export const difference = (before, after) => {
  const [old, now] = [before.split("\n"), after.split("\n")];
  const place = now.findIndex((element, index) => element !== old[index]);
  return `${now[place]} where it had ${old[place]}`;
};
