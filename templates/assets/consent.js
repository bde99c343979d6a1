// A page that has only just appeared under the pointer must not catch a click meant for what was there before:
// Allow works once the page has been visible for half a second. Without this script it works at once.
const allow = document.getElementById("allow");
let timer;

function arm() {
  clearTimeout(timer);
  allow.disabled = true;
  if (document.visibilityState === "visible") {
    timer = setTimeout(() => { allow.disabled = false; }, 500);
  }
}

arm();
document.addEventListener("visibilitychange", arm);
// Back from the history, with the state it was left in.
window.addEventListener("pageshow", (event) => { if (event.persisted) arm(); });
