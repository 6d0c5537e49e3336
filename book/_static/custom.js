// Small repairs that need a script.
document.addEventListener("DOMContentLoaded", () => {
  // What scrolls sideways has to be reachable by keyboard.
  const wide = "div.math, .cell_output .output, .cell_input pre, .pst-scrollable-table-container";
  for (const box of document.querySelectorAll(wide)) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }

  // Pictures that a widget draws come without a text alternative.
  if (!document.querySelector('script[type="application/vnd.jupyter.widget-state+json"]')) return;
  new MutationObserver(() => {
    for (const picture of document.querySelectorAll(".jupyter-widgets img:not([alt])")) {
      picture.alt = "The figure for the setting of the sliders above it";
    }
  }).observe(document.body, { childList: true, subtree: true });
});
