// Small repairs that need a script: names and keyboard access for what the theme, MathJax, the bibliography and
// the widgets leave without.
const wide =
  ".math, mjx-container, .cell_output .output, .cell_input pre, .pst-scrollable-table-container";

// What scrolls sideways has to be reachable by keyboard.
const reachable = () => {
  for (const box of document.querySelectorAll(wide)) {
    if (box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX !== "visible") {
      box.tabIndex = 0;
    }
  }
};

// A label that hides the visible text, or a role that no longer exists, is worse than none.
const named = () => {
  for (const part of document.querySelectorAll("summary[aria-label]")) {
    part.removeAttribute("aria-label");
  }
  for (const button of document.querySelectorAll(".search-button-field")) {
    button.setAttribute("aria-label", button.innerText.replace(/\s+/g, " ").trim() || "Search");
  }
  // The button has a label; the icons in it, which a script draws later, are for the eye.
  for (const title of document.querySelectorAll(".theme-switch-button svg > title")) {
    title.parentElement.setAttribute("aria-hidden", "true");
    title.remove();
  }
  for (const list of document.querySelectorAll(".citation-list, div.citation")) {
    list.removeAttribute("role");
  }
};

// A slider is called by the word beside it; a picture that a widget draws has no text of its own.
const widgets = () => {
  for (const slider of document.querySelectorAll(".jupyter-widgets [role=slider]:not([aria-label])")) {
    const label = slider.closest(".jupyter-widgets")?.querySelector(".widget-label");
    if (label) slider.setAttribute("aria-label", label.textContent.trim() || "setting");
  }
  for (const picture of document.querySelectorAll(".jupyter-widgets img:not([alt])")) {
    picture.alt = "The figure for the setting of the sliders above it";
  }
};

// From a file, a browser lets no script read the pages whose lines a search would show.
if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}

document.addEventListener("DOMContentLoaded", () => {
  named();
  reachable();
  for (const button of document.querySelectorAll(".theme-switch-button")) {
    new MutationObserver(named).observe(button, { childList: true, subtree: true });
  }
  window.MathJax?.startup?.promise?.then(reachable);
  window.addEventListener("load", () => {
    named();
    window.MathJax?.startup?.promise?.then(reachable);
  });
  window.addEventListener("resize", reachable);
  if (!document.querySelector('script[type="application/vnd.jupyter.widget-state+json"]')) return;
  new MutationObserver(widgets).observe(document.body, { childList: true, subtree: true });
});
