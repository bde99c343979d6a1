// A form is sent once. A second press while the answer is on its way would cancel that answer, and hear that all is over. After
// ten seconds, and when the page comes back from the history, it may be pressed again. Without this script whoever
// presses twice may have to begin anew; nothing else is missing.
const sent = new Set();

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (sent.has(form)) event.preventDefault();
  sent.add(form);
  setTimeout(() => sent.delete(form), 10_000);
});

window.addEventListener("pageshow", () => sent.clear());
